import { readFileSync } from 'node:fs'
import type { Config } from '../config.ts'
import type { Clock, Log, Random } from '../contracts/index.ts'
import { BrokerError } from '../contracts/index.ts'
import type { Pems } from '../http/tls-options.ts'
import { autoTls } from './auto-tls.ts'
import { ownNames } from './own-names.ts'

/** The certificate that the listener serves with, as the files are now; of our own CA made or renewed where it must be. */
export function listenerTls({ listener, storage }: Config, parts: { clock: Clock; random: Random; log: Log }): Pems | undefined {
  const { tls, host } = listener
  if (!tls) return undefined
  if (tls.kind === 'files')
    return { cert: pem(tls.cert), key: pem(tls.key), ...(tls.clientCa === undefined ? {} : { clientCa: pem(tls.clientCa) }) }
  if (storage === 'memory') throw new Error('a broker in memory has no folder for a CA')
  const names = ownNames(host, tls.names)
  const { cert, key, caFile, caFingerprint, expiresAt, isNew } = autoTls({
    folder: storage.path,
    names,
    now: parts.clock.now(),
    random: parts.random
  })
  if (isNew)
    parts.log.info('a server certificate of our own CA; clients trust it with MAYFLY_CACERT', {
      ca: caFile,
      ca_sha256: caFingerprint,
      names: names.join(' '),
      expires: expiresAt.toString({ smallestUnit: 'second' })
    })
  return { cert, key }
}

function pem(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable'
    throw new BrokerError('invalid_request', `listener.tls: cannot read ${file} (${code})`, { cause })
  }
}

import { lookup } from 'node:dns/promises'
import { BrokerError, isForbiddenAddress } from 'mayfly/plugin'
import { Client } from 'ssh2'
import type { ClientChannel } from 'ssh2'
import { parseKeyLine } from '../format/key-line.ts'
import { keyBlob } from '../format/public-key.ts'

export interface HostPlace {
  readonly address: string
  readonly port: number
  readonly user: string
  /** The pinned host key, one line. */
  readonly hostKey: string
  /** An OpenSSH private key, made for this. */
  readonly privateKey: string
}

const connectMsMax = 15_000
// What the script says is a few lines.
const outputBytesMax = 65_536

/** Runs a script on a host, by the broker's own hand: `sh -s`, with the script on its standard input. What it says on standard output; rejects when it fails, with its last words. */
export async function runOnHost(place: HostPlace, words: readonly string[], script: string, signal: AbortSignal): Promise<string> {
  const address = await resolved(place.address)
  signal.throwIfAborted()
  const client = new Client()
  const aborted = (): void => void client.destroy()
  signal.addEventListener('abort', aborted)
  try {
    await connected(client, { ...place, address })
    return await ran(client, ['sh', '-s', '--', ...words].join(' '), script)
  } finally {
    signal.removeEventListener('abort', aborted)
    client.end()
  }
}

/** Checked when it was written, and again when the name has become an address. */
async function resolved(host: string): Promise<string> {
  const { address } = await lookup(host).catch((cause: unknown) => {
    throw new BrokerError('target_unreachable', `no address is known of ${host}`, { cause })
  })
  if (isForbiddenAddress(address))
    throw new BrokerError('target_refused', `${host} resolves to a link-local, metadata or multicast address`)
  return address
}

/** Only to the very host: `ssh2` takes any key when nobody looks at it. */
function connected(client: Client, { address, port, user, hostKey, privateKey }: HostPlace): Promise<void> {
  const { key } = parseKeyLine(hostKey)
  const blob = keyBlob(key)
  const types = key.type === 'ssh-rsa' ? (['rsa-sha2-512', 'rsa-sha2-256'] as const) : ([key.type] as const)
  return new Promise((resolve, reject) => {
    let isForeign = false
    client.once('ready', resolve)
    client.on('error', cause =>
      reject(
        isForeign
          ? new BrokerError('target_refused', 'the host shows another key than the one that is pinned', { cause })
          : new BrokerError('target_unreachable', `cannot log in on ${address}`, { cause })
      )
    )
    client.once('close', () => reject(new BrokerError('target_unreachable', `${address} closed the connection`)))
    client.connect({
      host: address,
      port,
      username: user,
      privateKey,
      readyTimeout: connectMsMax,
      algorithms: { serverHostKey: [...types] as never },
      hostVerifier: (shown: Buffer) => {
        isForeign = !shown.equals(blob)
        return !isForeign
      }
    })
  })
}

function ran(client: Client, command: string, script: string): Promise<string> {
  return new Promise((resolve, reject) => {
    client.once('close', () => reject(new BrokerError('target_silent', 'the host closed the connection')))
    client.exec(command, (error, channel) => {
      if (error) return reject(new BrokerError('target_refused', 'the host runs no command for us', { cause: error }))
      const [out, err] = [collected(channel), collected(channel.stderr)]
      channel.once('close', (code: number | null) => {
        if (code === 0) return resolve(out())
        reject(
          new BrokerError(
            'target_refused',
            err()
              .trim()
              .split('\n')
              .at(-1)
              ?.replaceAll(/[^\x20-\x7e]/g, '')
              .slice(0, 300) ?? `exit ${code}`
          )
        )
      })
      // It may end before it has read all.
      channel.on('error', () => undefined)
      channel.end(script)
    })
  })
}

function collected(stream: ClientChannel | ClientChannel['stderr']): () => string {
  const chunks: Buffer[] = []
  let bytes = 0
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= outputBytesMax) chunks.push(chunk)
  })
  return () => Buffer.concat(chunks).toString('utf8')
}

/** `mayfly operator restore`: a backup becomes a store again, offline. With what unseals the broker, and with nothing else. */
import { createReadStream } from 'node:fs'
import { backupKey } from './broker/life/backup.ts'
import { readBackup } from './backup/backup-file.ts'
import type { ReadBackup } from './backup/backup-file.ts'
import type { BackupHeader } from './backup/header.ts'
import { readConfig } from './config.ts'
import type { Config } from './config.ts'
import { BrokerError } from './contracts/index.ts'
import { Barrier } from './seal/barrier.ts'
import { KeyFileSeal } from './seal/key-file-seal.ts'
import { openKeyring } from './seal/root-key.ts'
import { UnsealAttempt } from './seal/unseal-attempt.ts'
import { restoreDatabase } from './store/sqlite/copies/restore-database.ts'
import { systemClock, systemRandom } from './system-clock.ts'

export interface RestoreOptions {
  readonly file: string
  readonly config: string
  /** Every chunk is opened, and nothing written. */
  readonly check: boolean
}

/** `askShares`: what operators type, separated by white space, when shares unseal the broker. */
export async function restore(options: RestoreOptions, askShares: () => Promise<string>): Promise<BackupHeader> {
  const config = readConfig(options.config)
  if (config.storage === 'memory') throw new BrokerError('invalid_request', 'storage: a store in memory cannot be restored')
  const found = await readBackup(createReadStream(options.file))
  const { header } = found
  const key = await keyOf(header, config, askShares)
  try {
    if (options.check) await openAll(found, key)
    else await restoreDatabase(config.storage.path, found.chunks(key), header, { cause: causeOf(header), since: systemClock.now() })
  } finally {
    key.fill(0)
  }
  return header
}

function causeOf({ time }: BackupHeader): string {
  return `it was restored from a backup of ${time}`
}

async function openAll(found: ReadBackup, key: Uint8Array): Promise<void> {
  for await (const _ of found.chunks(key));
}

async function keyOf({ seal, salt }: BackupHeader, config: Config, askShares: () => Promise<string>): Promise<Uint8Array> {
  const rootKey = await unwrap(seal, config, askShares)
  try {
    const barrier = Barrier.create(openKeyring(Buffer.from(seal.keyring, 'base64'), rootKey, seal.instance), systemRandom)
    try {
      return backupKey(barrier, Buffer.from(salt, 'base64'))
    } finally {
      barrier.destroy()
    }
  } finally {
    rootKey.fill(0)
  }
}

async function unwrap(seal: BackupHeader['seal'], config: Config, askShares: () => Promise<string>): Promise<Uint8Array> {
  if (seal.kind !== config.seal.kind)
    throw new BrokerError('invalid_request', `the backup is sealed by ${seal.kind}, and the configuration names ${config.seal.kind}`)
  const wrapped = Buffer.from(seal.root_key, 'base64')
  if (config.seal.kind === 'shamir') return fromShares(wrapped, seal.config, await askShares())
  return fromKeyFile(wrapped, config.seal.path)
}

async function fromKeyFile(wrapped: Uint8Array, path: string): Promise<Uint8Array> {
  try {
    return await new KeyFileSeal(path, systemRandom).unwrap(wrapped)
  } catch (cause) {
    if (!(cause instanceof BrokerError) || cause.code !== 'integrity') throw cause
    const why = `${path} is not the key of this backup: the seal's key was rotated since, or it is another broker's; put the key file of that day in its place`
    throw new BrokerError('integrity', why, { cause })
  }
}

function fromShares(wrapped: Uint8Array, config: string, typed: string): Uint8Array {
  const { threshold } = JSON.parse(config) as { threshold: number }
  const attempt = new UnsealAttempt({ threshold, wrapped }, systemRandom)
  for (const share of typed.split(/\s+/).filter(text => text !== '')) {
    const rootKey = attempt.add(share)
    if (rootKey) return rootKey
  }
  throw new BrokerError('invalid_request', `${threshold} shares open the backup, and ${attempt.progress} were given`)
}

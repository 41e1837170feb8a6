/** Keys that one run of `mayfly aws` leaves for the next: SDKs start `credential_process` once for each process. A file for its owner alone, in memory where the system has a
 *  place for that, and a lock beside it, so that runs at the same time make one lease. */
import { createHash, randomUUID } from 'node:crypto'
import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { DatabaseSync } from 'node:sqlite'
import { BrokerError } from 'mayfly/plugin'

// Whoever holds it asks the broker, which may wait for AWS. Clients give up after a minute.
const lockMsMax = 60_000

export class CredentialCache {
  readonly #path: string

  /** `of`: whatever makes two credentials two. */
  constructor(env: Readonly<Record<string, string | undefined>>, of: readonly unknown[]) {
    const name = createHash('sha256').update(JSON.stringify(of)).digest('hex').slice(0, 32)
    this.#path = join(privateFolder(env), name)
  }

  /** `undefined`: there is none, or none that can be read. */
  read(): unknown {
    try {
      return JSON.parse(readFileSync(`${this.#path}.json`, 'utf8'))
    } catch {
      return undefined
    }
  }

  /** Beside and renamed: a reader finds the old text or the new one. */
  write(value: unknown): void {
    const beside = `${this.#path}.${randomUUID()}`
    try {
      writeFileSync(beside, JSON.stringify(value), { mode: 0o600, flag: 'wx' })
      renameSync(beside, `${this.#path}.json`)
    } finally {
      rmSync(beside, { force: true })
    }
  }

  /** One process at a time; the system lets go of it for a process that dies. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    using lock = new DatabaseSync(`${this.#path}.lock`, { timeout: lockMsMax })
    try {
      lock.exec('begin exclusive')
    } catch (cause) {
      throw new BrokerError('conflict', `another run of this command has been at it for ${lockMsMax / 1_000} s`, { cause })
    }
    return await work()
  }
}

function privateFolder(env: Readonly<Record<string, string | undefined>>): string {
  const runtime = env['XDG_RUNTIME_DIR']
  const user = process.getuid?.() ?? 'me'
  const places = [...(runtime ? [join(runtime, 'mayfly-aws')] : []), `/dev/shm/mayfly-aws-${user}`, join(tmpdir(), `mayfly-aws-${user}`)]
  const folder = places.find(isMade)
  if (folder === undefined) throw new BrokerError('invalid_request', `no place for the cache: tried ${places.join(', ')}`)
  return folder
}

/** Others may have made it before, for us to fall into. */
function isMade(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false
  }
  const there = lstatSync(folder, { throwIfNoEntry: false })
  return there !== undefined && there.isDirectory() && there.uid === (process.getuid?.() ?? there.uid) && (there.mode & 0o077) === 0
}

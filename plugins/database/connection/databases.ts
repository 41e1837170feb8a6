import { BrokerError, Secret } from 'mayfly/plugin'
import type { BackendContext, Database, TargetId } from 'mayfly/plugin'
import { readVersion, settingText } from './connection-versions.ts'
import type { ConnectionVersion } from './connection-versions.ts'
import { driverNamed } from '../engine.ts'
import { FreshCheck } from './fresh-check.ts'
import type { Checked } from './fresh-check.ts'

interface Open {
  readonly row: number
  readonly version: ConnectionVersion
  readonly database: Database
  readonly check: FreshCheck
  holders: number
  closing: boolean
}

/** A server in use. Released at the end of the block: `using held = await databases.hold(target)`. */
export interface Held extends Disposable {
  readonly database: Database
  readonly account: string
  /** The admin account's name. */
  readonly username: string
  /** What the server can do. */
  readonly check: FreshCheck
}

/** The servers that a mount has open, one per target, opened when first needed. Each call reads the sealed row again, so that a new admin password is used
 *  from its commit on, on every node; a server with older settings is closed when its last call has ended. */
export class Databases implements AsyncDisposable {
  readonly #context: BackendContext
  readonly #open = new Map<TargetId, Open>()
  readonly #closed = new Set<Promise<void>>()
  #disposed = false

  constructor(context: BackendContext) {
    this.#context = context
  }

  async hold(target: TargetId): Promise<Held> {
    const stored = await readVersion(this.#context.storage, target)
    if (this.#disposed) throw new BrokerError('target_unreachable', `the mount ${this.#context.mount.path} is closed`)
    if (!stored) {
      this.close(target)
      throw new BrokerError('integrity', `no settings are kept for the target ${target}`)
    }
    return this.#held(this.#current(target, stored.row, stored.version))
  }

  /** The last look at a server, where this node has taken one. Asks nobody. */
  lastCheck(target: TargetId): Checked | undefined {
    return this.#open.get(target)?.check.seen
  }

  /** When the last call has ended. The next one that needs it opens it again. */
  close(target: TargetId): void {
    const open = this.#open.get(target)
    if (!open) return
    this.#open.delete(target)
    open.closing = true
    this.#release(open, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true
    for (const [, open] of this.#open) this.#shut(open)
    this.#open.clear()
    await Promise.all(this.#closed)
  }

  #current(target: TargetId, row: number, version: ConnectionVersion): Open {
    const open = this.#open.get(target)
    // A slower read may bring an older row than the one in use.
    if (open && open.row >= row) return open
    this.close(target)
    const { clock, random, log } = this.#context
    const database = driverNamed(this.#context, version.driver).open(new Secret(version.settings), { clock, random, log })
    const check = new FreshCheck(database, clock, log)
    const opened = { row, version, database, check, holders: 0, closing: false }
    this.#open.set(target, opened)
    return opened
  }

  #held(open: Open): Held {
    open.holders += 1
    return {
      database: open.database,
      account: open.version.account,
      username: settingText(open.version, 'username'),
      check: open.check,
      [Symbol.dispose]: () => this.#release(open, 1)
    }
  }

  #release(open: Open, count: number): void {
    open.holders -= count
    if (open.closing && open.holders === 0) this.#shut(open)
  }

  #shut(open: Open): void {
    const closed = this.#close(open.database)
    this.#closed.add(closed)
    void closed.then(() => this.#closed.delete(closed))
  }

  async #close(database: Database): Promise<void> {
    try {
      await database[Symbol.asyncDispose]()
    } catch (error) {
      this.#context.log.warn('a database did not close', {}, error)
    }
  }
}

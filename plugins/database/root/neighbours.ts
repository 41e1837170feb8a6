import type { ConnectionVersion } from '../connection/connection-versions.ts'
import type { Engine } from '../engine.ts'
import { pendingRoots } from './pending-root.ts'
import { sharedAccount } from './shared-account.ts'

/** The database mounts that each broker in this process has open, by its instance. A mount keeps to itself, with one exception: an account has one password, and a mount that
 *  changes it locks the others out. They look at each other's connections before that, never write them, and know each other only by how the server is written: an account that
 *  is reached by two addresses is two to them. */
export class Neighbours {
  readonly #engines = new Map<string, Set<Engine>>()

  /** From here until it is released others see it. */
  add(engine: Engine): Disposable {
    const { instance } = engine.context
    const engines = this.#engines.get(instance) ?? new Set()
    this.#engines.set(instance, engines.add(engine))
    return {
      [Symbol.dispose]: () => {
        engines.delete(engine)
        if (engines.size === 0) this.#engines.delete(instance)
      }
    }
  }

  /** All but this one. */
  of({ context }: Pick<Engine, 'context'>): readonly Engine[] {
    return [...(this.#engines.get(context.instance) ?? [])].filter(other => other.context.mount.uuid !== context.mount.uuid)
  }
}

export interface Elsewhere {
  readonly mount: string
  readonly connection: string
}

/** The connections of other mounts that log in with an account, now or to end the leases of an older version. */
export async function accountElsewhere(
  engine: Engine,
  account: Pick<ConnectionVersion, 'driver' | 'account'>
): Promise<readonly Elsewhere[]> {
  const found: Elsewhere[] = []
  for (const other of engine.neighbours())
    for (const connection of await connectionsWith(other, account)) found.push({ mount: other.context.mount.path, connection })
  return found
}

/** The mount that is giving an account another password now: whoever takes the account up meanwhile would have a password that is over. */
export async function rotatedElsewhere(
  engine: Engine,
  account: Pick<ConnectionVersion, 'driver' | 'account'>
): Promise<string | undefined> {
  for (const other of engine.neighbours()) {
    const { storage, mount } = other.context
    const pending = new Set((await pendingRoots(storage)).map(one => one.pending.target))
    if (pending.size === 0) continue
    const { versions } = await sharedAccount(other, storage, account)
    if (versions.some(({ target }) => pending.has(target))) return mount.path
  }
  return undefined
}

async function connectionsWith(other: Engine, account: Pick<ConnectionVersion, 'driver' | 'account'>): Promise<ReadonlySet<string>> {
  const { configs, versions } = await sharedAccount(other, other.context.storage, account)
  const names = new Set(configs.map(({ name }) => name))
  for (const { connection, target } of versions)
    if (!names.has(connection) && (await other.context.liveLeases(target)) > 0) names.add(connection)
  return names
}

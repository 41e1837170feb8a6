import { BrokerError } from 'mayfly/plugin'
import type { TargetId } from 'mayfly/plugin'
import { settingText } from '../connection/connection-versions.ts'
import type { ConnectionVersion, KeptVersion } from '../connection/connection-versions.ts'
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

/** Of the versions of connections of other mounts that log in with an account, the numbers of their rows: to be shown to `refuseRotatedElsewhere`. */
export async function rowsElsewhere(
  engine: Engine,
  account: Pick<ConnectionVersion, 'driver' | 'account'>
): Promise<ReadonlyMap<TargetId, number>> {
  const rows = new Map<TargetId, number>()
  for (const other of engine.neighbours())
    for (const { target, row } of (await sharedAccount(other, other.context.storage, account)).versions) rows.set(target, row)
  return rows
}

/** Where another mount is giving an account another password than `password` now, or has done so since `before`: whoever takes the account up meanwhile would have one that is over. */
export async function refuseRotatedElsewhere(
  engine: Engine,
  account: Pick<ConnectionVersion, 'driver' | 'account'>,
  password: string,
  before: ReadonlyMap<TargetId, number>
): Promise<void> {
  for (const other of engine.neighbours()) {
    const { storage, mount } = other.context
    const pending = new Set((await pendingRoots(storage)).map(one => one.pending.target))
    const { versions } = await sharedAccount(other, storage, account)
    const isAnother = ({ target, row, version }: KeptVersion): boolean =>
      before.has(target) && before.get(target) !== row && settingText(version, 'password') !== password
    if (versions.some(one => pending.has(one.target) || isAnother(one)))
      throw new BrokerError('invalid_request', `username: the mount ${mount.path} is giving this account another password just now`)
  }
}

/** Until the commits that other mounts were about when they looked can be seen. Whoever looks from here on sees what is on record of the change that is waiting. */
export async function untilTakenUp(engine: Engine, accounts: readonly string[], signal: AbortSignal): Promise<void> {
  const left = Math.max(0, ...engine.neighbours().flatMap(({ takings }) => accounts.map(account => takings.msLeft(account))))
  if (left > 0) await engine.context.clock.sleep(left, signal)
}

async function connectionsWith(other: Engine, account: Pick<ConnectionVersion, 'driver' | 'account'>): Promise<ReadonlySet<string>> {
  const { configs, versions } = await sharedAccount(other, other.context.storage, account)
  const names = new Set(configs.map(({ name }) => name))
  for (const { connection, target } of versions)
    if (!names.has(connection) && (await other.context.liveLeases(target)) > 0) names.add(connection)
  return names
}

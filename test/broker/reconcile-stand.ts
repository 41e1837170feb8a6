/** What the tests of reconciling share: objects in a target that no lease knows, and what was found of them. */
import { DatabaseSync } from 'node:sqlite'
import { addUser, login, usersOf } from '../../plugins/memory/target.ts'
import type { ReconcileReport, TargetReport } from '../../src/broker/reconcile/reconcile-report.ts'
import type { JsonObject } from '../../src/contracts/index.ts'
import { dataOf } from './small-broker.ts'
import type { SmallBroker } from './small-broker.ts'

const password = 'of somebody'

/** A user that this broker has made and knows nothing of: what an older state of its store would find. */
export function orphan(broker: SmallBroker, name: string, hours = 1): void {
  const { barrier, instance } = broker.life.parts()!
  const mac = barrier.mac(`mark ${instance}`, `memory user ${name}`)
  stranger(broker, name, Buffer.from(mac).toString('base64url'), hours)
}

export function stranger(broker: SmallBroker, name: string, mark: string, hours = 1): void {
  addUser(broker.target, { name, mark, until: broker.clock.now().add({ hours }) }, password)
}

export const namesIn = (broker: SmallBroker): readonly string[] => usersOf(broker.target).map(({ name }) => name)
export const canLogIn = (broker: SmallBroker, name: string): boolean =>
  login(broker.target, name, password, broker.clock.now()) !== undefined

/** Without the broker, as an administrator of the target would. */
export function dropUser(broker: SmallBroker, name: string): void {
  using target = new DatabaseSync(broker.target)
  target.prepare('delete from users where name = ?').run(name)
}

export async function reconcile(broker: SmallBroker, mount = ''): Promise<ReconcileReport> {
  return dataOf(await broker.ask('write', mount === '' ? 'sys/reconcile' : `sys/reconcile/${mount}`)) as ReconcileReport
}

/** Of the mount `users`, looked at anew. */
export async function found(broker: SmallBroker): Promise<TargetReport> {
  const [target] = (await reconcile(broker, 'users')).targets
  if (!target) throw new Error('no target')
  return target
}

export const tune = (broker: SmallBroker, settings: JsonObject): Promise<unknown> => broker.ask('write', 'sys/mounts/users/tune', settings)

/** Lets time pass in strides of the loop that asks what is due. */
export const pass = (broker: SmallBroker, duration: string): Promise<void> => broker.clock.leap(duration, 10_000)

/** The audit entries that say `text`. */
export async function audited(broker: SmallBroker, text: string): Promise<readonly any[]> {
  const rows = await broker.store.auditLines(0, 10_000)
  return rows.filter(({ line }) => line.includes(text)).map(({ line }) => JSON.parse(line))
}

/** Gives an admin account its new password. The account must never have a password that is not on record:
 *
 *    rotate-root   the new password is durable as pending; current and pending are on record from here on
 *    log in        with the current one, else with the pending one: an earlier run may have come as far as that. Neither: alarm, and both are kept
 *    change        over that session, always to the same pending password
 *    log in        with the pending one, on a session of its own: the proof
 *    commit        all connections of this mount that share the account take it at once, and nothing is pending any more
 *
 *  A crash between any two of them runs it again from the top. */
import { BrokerError, Secret } from 'mayfly/plugin'
import type { Database, Json, MountStorage, Task, TaskOutcome, TargetId } from 'mayfly/plugin'
import { readConfig } from '../connection/connection-config.ts'
import { readVersion, settingText } from '../connection/connection-versions.ts'
import type { ConnectionVersion } from '../connection/connection-versions.ts'
import { driverNamed } from '../engine.ts'
import type { Engine } from '../engine.ts'
import { accountElsewhere, untilTakenUp } from './neighbours.ts'
import { pendingRootKey, readPendingRoot } from './pending-root.ts'
import { carryPassword, sharedAccount } from './shared-account.ts'
import { atServer } from '../static/static-users.ts'

export function rootRotation(engine: Engine): Task {
  return { run: (intent, storage, signal) => rotate(engine, nameOf(intent), storage, signal) }
}

async function rotate(engine: Engine, name: string, storage: MountStorage, signal: AbortSignal): Promise<TaskOutcome> {
  const stored = await readPendingRoot(storage, name)
  if (!stored) return { done: true, did: 'found nothing to rotate' }
  const { target, password } = stored.pending
  const current = await readVersion(storage, target)
  storage.remove(pendingRootKey(name), stored.row)
  // Nobody logs in there any more.
  if (!current) return { done: true, did: 'found the connection gone' }
  const account = { target, version: current.version, pending: password, statements: await statementsOf(storage, name), storage }
  const why = await change(engine, account, signal)
  if (why !== undefined) return { done: true, did: 'took it back', why }
  carryPassword(engine, storage, await sharedAccount(engine, storage, current.version), password)
  return { done: true, did: 'rotated' }
}

interface Account {
  readonly target: TargetId
  readonly version: ConnectionVersion
  readonly pending: string
  readonly statements: readonly string[]
  readonly storage: MountStorage
}

/** Nothing when the account has the new password now, proven; why not, when it has the old one, proven as well. Anything else rejects. */
async function change(
  engine: Engine,
  { target, version, pending, statements, storage }: Account,
  signal: AbortSignal
): Promise<string | undefined> {
  using held = await engine.databases.hold(target)
  await using next = opened(engine, version, pending)
  const old = { name: held.username, password: new Secret(settingText(version, 'password')) }
  const fresh = { name: held.username, password: new Secret(pending) }
  const way = await wayIn(held.database, old, next, fresh, signal)
  // Another mount may have taken the account up after the request looked, and nothing has been changed yet.
  if (way === held.database) await untilTakenUp(engine, [atServer(version.driver, version.account, held.username)], signal)
  const [elsewhere] = way === held.database ? await accountElsewhere(engine, version) : []
  if (elsewhere)
    return `connection "${elsewhere.connection}" of the mount ${elsewhere.mount} logs in with the account too, and would be locked out`
  await prepareOthers(engine, storage, version, fresh.password)
  await way.setPassword({ ...fresh, statements }, signal)
  if (await next.mayLogIn(fresh, signal)) return undefined
  if (!(await held.database.mayLogIn(old, signal))) throw neither()
  await held.database.setPassword({ ...old, statements }, signal)
  return 'the server takes a new password and goes on letting the account in with the old one alone: it looks for passwords elsewhere'
}

/** Whoever logs in with the account may need another session before the commit. */
async function prepareOthers(engine: Engine, storage: MountStorage, version: ConnectionVersion, password: Secret<string>): Promise<void> {
  const { versions } = await sharedAccount(engine, storage, version)
  for (const { target } of versions) {
    using held = await engine.databases.hold(target)
    held.database.expectPassword?.(password)
  }
}

type User = { readonly name: string; readonly password: Secret<string> }

async function wayIn(current: Database, old: User, next: Database, fresh: User, signal: AbortSignal): Promise<Database> {
  if (await current.mayLogIn(old, signal)) return current
  if (await next.mayLogIn(fresh, signal)) return next
  throw neither()
}

/** Asked with the new password, apart from the sessions that are in use. */
function opened({ context }: Engine, version: ConnectionVersion, password: string): Database {
  const { clock, random, log } = context
  return driverNamed(context, version.driver).open(new Secret({ ...version.settings, password }), { clock, random, log })
}

async function statementsOf(storage: MountStorage, name: string): Promise<readonly string[]> {
  return (await readConfig(storage, name))?.config.rootRotationStatements ?? []
}

const neither = () =>
  new BrokerError(
    'target_refused',
    'the server lets the account in neither with its old password nor with the new one, and both are kept: write the right one to the connection'
  )
const nameOf = (intent: Json): string => (intent as { readonly name: string }).name

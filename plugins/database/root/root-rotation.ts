/** Gives an admin account its new password. The account must never have a password that is not on record:
 *
 *    rotate-root   the new password is durable as pending; current and pending are on record from here on
 *    log in        with the current one, else with the pending one: an earlier run may have come as far as that. Neither: alarm, and both are kept
 *    change        over that session, always to the same pending password
 *    log in        with the pending one, on a session of its own: the proof
 *    commit        all connections of this mount that share the account take it at once, and nothing is pending any more
 *
 *  A crash between any two of them runs it again from the top, and so does silence. A server that says no ends it, once that leaves the old password beyond doubt: when it was never asked for
 *  a change, or lets the account in with the old one and can have no change of ours before it any more. */
import { BrokerError, Secret } from 'mayfly/plugin'
import type { Database, Json, MountStorage, Task, TaskOutcome, TargetId } from 'mayfly/plugin'
import { readConfig } from '../connection/connection-config.ts'
import { readVersion, settingText } from '../connection/connection-versions.ts'
import type { ConnectionVersion } from '../connection/connection-versions.ts'
import { driverNamed } from '../engine.ts'
import type { Engine } from '../engine.ts'
import { accountElsewhere, untilTakenUp } from './neighbours.ts'
import type { Elsewhere } from './neighbours.ts'
import { pendingRootKey, readPendingRoot } from './pending-root.ts'
import { carryPassword, sharedAccount } from './shared-account.ts'
import { atServer } from '../static/static-users.ts'

export function rootRotation(engine: Engine): Task {
  return { run: (intent, storage, signal) => rotate(engine, nameOf(intent), storage, signal) }
}

async function rotate(engine: Engine, name: string, storage: MountStorage, signal: AbortSignal): Promise<TaskOutcome> {
  const stored = await readPendingRoot(storage, name)
  if (!stored) return { done: true, did: 'found nothing to rotate' }
  const { target, password: pending, id = name } = stored.pending
  const current = await readVersion(storage, target)
  storage.remove(pendingRootKey(name), stored.row)
  // Nobody logs in there any more.
  if (!current) return { done: true, did: 'found the connection gone' }
  const account = { id, target, version: current.version, pending, statements: await statementsOf(storage, name), storage }
  const { has, why } = await changeUnlessRefused(engine, account, signal)
  if (why !== undefined) engine.context.log.warn('a root rotation was not done as asked', { connection: name, password: has, why })
  if (has === 'new') carryPassword(engine, storage, await sharedAccount(engine, storage, current.version), pending)
  return { done: true, did: has === 'new' ? 'rotated' : 'took it back', ...(why !== undefined && { why }) }
}

interface Account {
  /** Of the rotation. */
  readonly id: string
  readonly target: TargetId
  readonly version: ConnectionVersion
  readonly pending: string
  readonly statements: readonly string[]
  readonly storage: MountStorage
}

/** Which password the account has now, proven, or never asked to be another. `why`: what was asked for and is not so. */
interface Ending {
  readonly has: 'new' | 'old'
  readonly why?: string
}

/** Rejects where the rotation has to go on. */
async function changeUnlessRefused(engine: Engine, account: Account, signal: AbortSignal): Promise<Ending> {
  try {
    return await change(engine, account, signal)
  } catch (error) {
    if (isRefusal(error) && engine.rootChanges.isUntouched(account.id)) return { has: 'old', why: error.message }
    throw error
  }
}

async function change(engine: Engine, account: Account, signal: AbortSignal): Promise<Ending> {
  const { target, version, storage } = account
  using held = await engine.databases.hold(target)
  await using next = opened(engine, version, account.pending)
  const old = { name: held.username, password: new Secret(settingText(version, 'password')) }
  const fresh = { name: held.username, password: new Secret(account.pending) }
  const sides = { account, current: held.database, old, next, fresh }
  const way = await wayIn(engine, sides, signal)
  // Another mount may have taken the account up after the request looked, and nothing has been changed yet.
  if (way === held.database) await untilTakenUp(engine, [atServer(version.driver, version.account, held.username)], signal)
  const [elsewhere] = way === held.database ? await accountElsewhere(engine, version) : []
  if (elsewhere) return keepsOld(engine, account, lockedOut(elsewhere))
  await prepareOthers(engine, storage, version, fresh.password)
  const refused = await ask(engine, account, way, fresh, signal)
  if (refused) return await afterRefusal(engine, sides, refused, signal)
  if (await next.mayLogIn(fresh, signal)) return { has: 'new' }
  if (!(await held.database.mayLogIn(old, signal))) throw neither()
  await held.database.setPassword({ ...old, statements: account.statements }, signal)
  return { has: 'old', why: unread }
}

interface Sides {
  readonly account: Account
  readonly current: Database
  readonly old: User
  readonly next: Database
  readonly fresh: User
}

/** What the server said instead of changing the password; nothing when it said that it has. */
async function ask(
  { rootChanges }: Engine,
  { id, statements }: Account,
  way: Database,
  fresh: User,
  signal: AbortSignal
): Promise<BrokerError | undefined> {
  rootChanges.ask(id)
  try {
    await way.setPassword({ ...fresh, statements }, signal)
  } catch (error) {
    if (!isRefusal(error)) {
      rootChanges.unheard(id)
      throw error
    }
    rootChanges.answered(id)
    return error
  }
  rootChanges.answered(id)
  return undefined
}

/** A server without transactions may have done the first of several statements. */
async function afterRefusal(
  engine: Engine,
  { account, current, old, next, fresh }: Sides,
  refused: BrokerError,
  signal: AbortSignal
): Promise<Ending> {
  if (await current.mayLogIn(old, signal)) return keepsOld(engine, account, refused.message)
  if (!(await next.mayLogIn(fresh, signal))) throw neither()
  if (account.statements.length === 0) return { has: 'new' }
  return { has: 'new', why: `the account has its new password, but not all of root_rotation_statements was done: ${refused.message}` }
}

/** The old password is the account's, for good unless something that was asked for before may still come. */
function keepsOld({ rootChanges }: Engine, { id }: Account, why: string): Ending {
  if (rootChanges.mayCome(id)) throw new BrokerError('target_refused', why)
  return { has: 'old', why }
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

async function wayIn({ rootChanges }: Engine, { account, current, old, next, fresh }: Sides, signal: AbortSignal): Promise<Database> {
  if (await current.mayLogIn(old, signal)) return current
  if (rootChanges.isUntouched(account.id))
    throw new BrokerError('target_refused', 'the server does not let the account in with the password that the connection has')
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

const isRefusal = (error: unknown): error is BrokerError => error instanceof BrokerError && error.code === 'target_refused'
const unread = 'the server takes a new password and goes on letting the account in with the old one alone: it looks for passwords elsewhere'
const lockedOut = ({ connection, mount }: Elsewhere): string =>
  `connection "${connection}" of the mount ${mount} logs in with the account too, and would be locked out`
const neither = () =>
  new BrokerError(
    'target_refused',
    'the server lets the account in neither with its old password nor with the new one, and both are kept: write the right one to the connection'
  )
const nameOf = (intent: Json): string => (intent as { readonly name: string }).name

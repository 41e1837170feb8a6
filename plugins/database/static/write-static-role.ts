import { BrokerError } from 'mayfly/plugin'
import type { Answer, DatabaseDriver, MountStorage } from 'mayfly/plugin'
import type { ConnectionConfig } from '../connection/connection-config.ts'
import { readConfig } from '../connection/connection-config.ts'
import { readCron } from './cron.ts'
import { driverNamed } from '../engine.ts'
import type { Engine } from '../engine.ts'
import { newPassword, passwordPolicyOf, refuseMissingPolicy } from '../creds/password.ts'
import { readRole } from '../role/role.ts'
import { refuseCredential } from '../role/roles.ts'
import { rotateRole, rotationWait } from './rotation-wait.ts'
import { isDue, nextRotation, preparedAt } from './rotation-clock.ts'
import { statementList } from '../role/statement-list.ts'
import { readStaticCredential, staticCredentialKey, staticRoleKey } from './static-role.ts'
import type { StaticCredential, StaticRole, StaticRoleFields } from './static-role.ts'
import { claimUser } from './static-users.ts'
import { usableConnection } from '../connection/usable-connection.ts'

const periodSecondsMin = 5
// The wire's own: a rotation that fails for an hour is tried again and again before it is put off.
const windowSecondsMin = 3_600

type Written = Omit<StaticRole, 'claims'>

/** Rotates at once: nobody knows the account's password. The request waits for it; what fails then goes on by itself. */
export async function makeStaticRole(
  engine: Engine,
  name: string,
  fields: StaticRoleFields,
  storage: MountStorage,
  signal: AbortSignal
): Promise<Answer> {
  if (await readRole(storage, name)) throw refusal('Role and Static Role names must be unique')
  const role = await writtenRole(engine, fields, undefined)
  if (!(await readConfig(storage, role.dbName))) throw refusal(`failed to find entry for connection with name: "${role.dbName}"`)
  const { config, driver } = await usableConnection(engine, storage, role.dbName, name)
  readStatements(driver, role)
  await refuseUser(engine, config, role, signal)
  const claims = await claimUser(engine, storage, { name, ...role }, driver, config)
  const now = engine.context.clock.now()
  const pending = await newPassword(engine.context, passwordPolicyOf(config, role))
  const credential: StaticCredential = { password: null, pending: pending.reveal(), rotatedAt: null, nextAt: now.toString() }
  storage.put(staticRoleKey(name), { ...role, claims } satisfies StaticRole, 0)
  storage.put(staticCredentialKey(name), credential, 0)
  storage.schedule(rotateRole, name, now, { name })
  return rotationWait(rotateRole, name, { goesOn: 'the static role is stored, and its first rotation goes on in the background' })
}

/** The clock starts from the last rotation; the account's password stays until then. */
export async function updateStaticRole(
  engine: Engine,
  name: string,
  stored: { readonly role: StaticRole; readonly version: number },
  fields: StaticRoleFields,
  storage: MountStorage
): Promise<Answer> {
  const role = await writtenRole(engine, fields, stored.role)
  const connection = await readConfig(storage, role.dbName)
  if (connection) readStatements(driverNamed(engine.context, connection.config.driver), role)
  storage.put(staticRoleKey(name), { ...role, claims: stored.role.claims } satisfies StaticRole, stored.version)
  if (role.period !== stored.role.period || role.schedule !== stored.role.schedule) await wind(engine, name, role, storage)
  return undefined
}

async function wind({ context }: Engine, name: string, role: Written, storage: MountStorage): Promise<void> {
  const kept = await readStaticCredential(storage, name)
  const now = context.clock.now()
  // A rotation that may have begun is finished first, and winds the clock itself.
  if (!kept || isDue(kept.credential, now)) return
  const from = role.schedule === null && kept.credential.rotatedAt !== null ? Temporal.Instant.from(kept.credential.rotatedAt) : now
  const nextAt = nextRotation(role, from, context.random)
  // What is chosen may be in the server before this is committed: moved away, the old password would be served until then.
  if (kept.credential.pending !== null && Temporal.Instant.compare(nextAt, Temporal.Instant.from(kept.credential.nextAt)) > 0) return
  const credential = { ...kept.credential, nextAt: nextAt.toString() }
  storage.put(staticCredentialKey(name), credential, kept.version)
  storage.schedule(rotateRole, name, preparedAt(credential), { name })
}

async function writtenRole({ context }: Engine, fields: StaticRoleFields, stored: StaticRole | undefined): Promise<Written> {
  refuseUnsupported(fields)
  await refuseMissingPolicy(context, 'credential_config: password_policy', fields.credential_config?.['password_policy'] ?? '')
  return {
    ...account(fields, stored),
    ...clock(fields, stored),
    statements:
      (fields.rotation_statements && statementList('rotation_statements', fields.rotation_statements)) ?? stored?.statements ?? [],
    credentialConfig: fields.credential_config ?? stored?.credentialConfig ?? null
  }
}

function refuseUnsupported(fields: StaticRoleFields): void {
  refuseCredential(fields.credential_type ?? 'password', fields.credential_config ?? {})
  if (fields.skip_import_rotation)
    throw refusal('skip_import_rotation is not supported: a static role takes its account over with a new password')
  if (fields.self_managed_password) throw refusal('self_managed_password is not supported: the admin account of the connection rotates')
}

function account(fields: StaticRoleFields, stored: StaticRole | undefined): { readonly dbName: string; readonly username: string } {
  const [dbName, username] = [fields.db_name || stored?.dbName, fields.username || stored?.username]
  if (!dbName) throw refusal('database name is a required field')
  if (!username) throw refusal('username is a required field to create a static account')
  if (stored && stored.username !== username) throw refusal('cannot update static account username')
  if (stored && stored.dbName !== dbName) throw refusal('cannot update static account db_name: delete the static role and write it anew')
  if (username.includes('\0') || Buffer.byteLength(username) > 256) throw refusal('username: not the name of an account')
  return { dbName, username }
}

/** A period, or a schedule with or without a window; an update may change from one to the other. */
function clock(fields: StaticRoleFields, stored: StaticRole | undefined): Pick<StaticRole, 'period' | 'schedule' | 'window'> {
  // Clients that write every field write 0 for none.
  const period = fields.rotation_period === 0 && (fields.rotation_schedule || stored?.schedule) ? undefined : fields.rotation_period
  if (period !== undefined && fields.rotation_schedule)
    throw refusal('mutually exclusive fields rotation_period and rotation_schedule were both specified; only one of them can be provided')
  const schedule = fields.rotation_schedule || (period === undefined ? (stored?.schedule ?? null) : null)
  if (schedule !== null) return scheduled(schedule, fields.rotation_window ?? (stored?.schedule ? stored.window : null))
  if (fields.rotation_window) throw refusal('rotation_window is invalid with rotation_period')
  return { period: checkedPeriod(period ?? stored?.period ?? undefined), schedule: null, window: null }
}

function checkedPeriod(seconds: number | undefined): number {
  if (seconds === undefined) throw refusal('rotation_period is required to create static accounts')
  if (seconds < periodSecondsMin) throw refusal('rotation_period must be 5 seconds or more')
  return seconds
}

function scheduled(schedule: string, window: number | null): Pick<StaticRole, 'period' | 'schedule' | 'window'> {
  readCron(schedule)
  if (window && window < windowSecondsMin) throw refusal('rotation_window: at least 1h, or 0 for none')
  return { period: null, schedule, window: window || null }
}

function readStatements(driver: DatabaseDriver, role: Written): void {
  driver.statements('rotation', role.statements)
}

/** The account must be there, be no lease's, and not be the one that the engine itself logs in with. */
async function refuseUser(engine: Engine, config: ConnectionConfig, { username, statements }: Written, signal: AbortSignal): Promise<void> {
  using held = await engine.databases.hold(config.target)
  if (held.username === username)
    throw refusal('username: it is the admin account of the connection, and would lock the engine out: use rotate-root')
  const found = await held.database.findUser(username, signal)
  if (!found) throw refusal('username: the server has no such user, and a static role makes none')
  if (found.mark !== undefined) throw refusal('username: it is the user of a lease')
  // Statements of the operator may have a way of their own.
  if (found.missing !== undefined && statements.length === 0)
    throw refusal(`username: the admin account may not set its password: ${found.missing}`)
}

const refusal = (message: string) => new BrokerError('invalid_request', message)

/** What the tests of the MySQL driver share: a real server, the driver opened on it, users and logins. */
import { Secret } from 'mayfly/plugin'
import type { CreateUser, Database, JsonObject, RevokedUser, RevokeOutcome } from 'mayfly/plugin'
import { onTestFinished } from 'vitest'
import { mysql } from '../../../plugins/mysql/index.ts'
import { systemClock, systemRandom } from '../../../src/system-clock.ts'
import type { MysqlAccess } from '../../targets/mysql-access.ts'

const quiet = { info() {}, warn() {}, error() {} }
export const password = 'Canary-7h1s-1s-Secret'

const callMs = 25_000
export const soon = (): AbortSignal => AbortSignal.timeout(callMs)

type Parts = Parameters<typeof mysql.open>[1]

/** The driver on a test server, closed with the test. */
export function openDriver(
  at: Pick<MysqlAccess, 'host' | 'port' | 'admin'>,
  fields: JsonObject = {},
  parts: Partial<Parts> = {}
): Database {
  const { user: username, password } = at.admin
  const own = { host: at.host, port: at.port, username, password, tls: 'false' }
  const { settings } = mysql.connection({ ...own, ...fields }, { tls: 'any' })
  const database = mysql.open(settings, { clock: systemClock, random: systemRandom, log: quiet, ...parts })
  onTestFinished(async () => database[Symbol.asyncDispose]())
  return database
}

/** A user as the engine would ask for it. */
export function newUser(extra: Partial<CreateUser> = {}): CreateUser {
  const random = Buffer.from(systemRandom.bytes(8)).toString('hex')
  return {
    name: `v-token-ro-${random}`,
    password: new Secret(password),
    mark: `mayfly:1:testinstance:${random}:0123456789abcdef`,
    statements: [],
    memberOf: ['app_ro'],
    createBy: systemClock.now().add({ seconds: 10 }),
    until: systemClock.now().add({ hours: 1 }),
    ...extra
  }
}

export function revoked(user: CreateUser, handle: JsonObject = {}, extra: Partial<RevokedUser> = {}): RevokedUser {
  return { name: user.name, mark: user.mark, handle, ...extra }
}

export async function issue(database: Database, extra: Partial<CreateUser> = {}) {
  const user = newUser(extra)
  const handle = await database.createUser(user, soon())
  return { ...user, handle, revoked: revoked(user, handle) }
}

export async function revoke(database: Database, users: readonly RevokedUser[], statements: readonly string[] = []) {
  return await database.revokeUsers({ statements, users }, soon())
}

export const kinds = (outcomes: readonly RevokeOutcome[]): readonly string[] => outcomes.map(({ kind }) => kind)

/** What a failed or waiting outcome says. */
export function why(outcome: RevokeOutcome | undefined): string {
  if (outcome?.kind === 'ended') return outcome.waiting
  return outcome?.kind === 'failed' ? (outcome.error as Error).message : String(outcome?.kind)
}

/** A session as an application would have it, ended with the test. `ended` resolves when the server ends it. */
export async function login(at: MysqlAccess, user: string, secret = password) {
  const client = await at.connect({ user, password: secret })
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  client.on('error', () => resolve())
  client.on('end', () => resolve())
  onTestFinished(async () => client.end().catch(() => undefined))
  return { client, ended, query: (sql: string) => client.query(sql) }
}

export async function canLogIn(at: MysqlAccess, user: string, secret = password): Promise<boolean> {
  try {
    const client = await at.connect({ user, password: secret })
    await client.end()
    return true
  } catch {
    return false
  }
}

export async function hostsOf(at: MysqlAccess, name: string): Promise<readonly string[]> {
  return (await at.query('select Host as host from mysql.user where User = ? order by 1', [name])).map(row => String(row['host']))
}

export async function eventOf(at: MysqlAccess, name: string) {
  const sql = `select event_comment as mark, status, date_format(execute_at, '%Y-%m-%dT%TZ') as at from information_schema.events where event_schema = 'mayfly' and event_name = ?`
  return (await at.query(sql, [name]))[0]
}

export async function sessionsOf(at: MysqlAccess, name: string): Promise<number> {
  const [row] = await at.query('select count(*) as sessions from information_schema.processlist where user = ?', [name])
  return Number(row?.['sessions'])
}

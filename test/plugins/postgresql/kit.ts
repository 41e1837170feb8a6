/** What the tests of the PostgreSQL driver share: the real server, the driver opened on it, users and logins. */
import { randomInt } from 'node:crypto'
import { Secret } from 'mayfly/plugin'
import type { CreateUser, Database, JsonObject, RevokedUser, RevokeOutcome } from 'mayfly/plugin'
import { afterAll, expect, onTestFinished } from 'vitest'
import { postgresql } from '../../../plugins/postgresql/index.ts'
import { systemClock, systemRandom } from '../../../src/system-clock.ts'
import type { PostgresAccess } from '../../targets/postgres-access.ts'
import { sharedPostgres } from '../../targets/shared-postgres.ts'

export const postgres = await sharedPostgres()
afterAll(async () => postgres[Symbol.asyncDispose]())

export const quiet = { info() {}, warn() {}, error() {} }
export const password = 'Canary-7h1s-1s-Secret'

const callMs = 25_000
export const soon = (): AbortSignal => AbortSignal.timeout(callMs)

type Parts = Parameters<typeof postgresql.open>[1]

/** The driver on a test server, closed with the test. */
export function openDriver(fields: JsonObject = {}, parts: Partial<Parts> = {}, at: PostgresAccess = postgres): Database {
  const { user: username, password } = at.admin
  const own = { host: at.host, port: at.port, database: 'app', username, password, sslmode: 'disable' }
  const { settings } = postgresql.connection({ ...own, ...fields }, { tls: 'any' })
  const database = postgresql.open(settings, { clock: systemClock, random: systemRandom, log: quiet, ...parts })
  onTestFinished(async () => database[Symbol.asyncDispose]())
  return database
}

/** A user as the engine would ask for it. */
export function newUser(extra: Partial<CreateUser> = {}): CreateUser {
  const random = Buffer.from(systemRandom.bytes(12)).toString('hex')
  return {
    name: `v-token-readonly-${random}`,
    password: new Secret(password),
    mark: `mayfly:1:testinstance:${random.slice(0, 12)}:0123456789abcdef`,
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
  return { ...user, oid: handle['oid'] as number, revoked: revoked(user, handle) }
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

/**
 * A statement that the server does not get past until `letGo`, so that what happens meanwhile happens then, however slow the machine is. It waits in short
 * naps: a wait for a lock would run into the time limits of our own sessions.
 */
export async function obstacle() {
  const key = randomInt(2 ** 31)
  const holder = await postgres.connect({ user: postgres.superuser, password: postgres.password })
  await holder.query(`select pg_advisory_lock(${key})`)
  onTestFinished(async () => holder.end().catch(() => undefined))
  const stopped = `select 1 from pg_stat_activity where wait_event = 'PgSleep' and strpos(query, $1) > 0`
  return {
    statement: `do $$ begin while not pg_try_advisory_xact_lock(${key}) loop perform pg_sleep(0.02); end loop; end $$`,
    /** Somebody is at it. */
    reached: async () => expect.poll(async () => (await postgres.query(stopped, [`xact_lock(${key})`])).length).toBeGreaterThan(0),
    letGo: async () => void (await holder.query(`select pg_advisory_unlock(${key})`))
  }
}

/** A session as an application would have it, ended with the test. `ended` resolves when the server ends it. */
export async function login(user: string, secret = password, at: PostgresAccess = postgres) {
  const client = await at.connect({ user, password: secret, database: 'app' })
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  client.on('end', () => resolve())
  onTestFinished(async () => client.end().catch(() => undefined))
  return { client, ended, query: (sql: string) => client.query<Record<string, unknown>>(sql) }
}

export async function canLogIn(user: string, secret = password, at: PostgresAccess = postgres): Promise<boolean> {
  try {
    const client = await at.connect({ user, password: secret, database: 'app' })
    await client.end()
    return true
  } catch {
    return false
  }
}

export async function roleNamed(name: string, at: PostgresAccess = postgres): Promise<Record<string, unknown> | undefined> {
  const sql = `select oid, rolcanlogin as enabled, rolsuper as super, rolconnlimit as "limit", rolvaliduntil::text as until,
    shobj_description(oid, 'pg_authid') as mark from pg_roles where rolname = $1`
  return (await at.query(sql, [name]))[0]
}

export async function sessionsOf(oid: number, at: PostgresAccess = postgres): Promise<number> {
  const [row] = await at.query('select count(*)::int as sessions from pg_stat_activity where usesysid = $1', [oid])
  return Number(row?.['sessions'])
}

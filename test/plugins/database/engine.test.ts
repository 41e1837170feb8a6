/** The database engine on a real PostgreSQL: the contract of every backend, and what only engine and driver together can show. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { database } from '../../../plugins/database/index.ts'
import { postgresql } from '../../../plugins/postgresql/index.ts'
import { systemClock, systemRandom } from '../../../src/system-clock.ts'
import { backendContract } from '../../contract/backend-contract.ts'
import type { BackendUnderTest, Session } from '../../contract/backend-contract.ts'
import { TestMount } from '../../contract/test-mount.ts'
import type { PostgresAccess } from '../../targets/postgres-access.ts'
import { sharedPostgres } from '../../targets/shared-postgres.ts'

let postgres: PostgresAccess

beforeAll(async () => {
  postgres = await sharedPostgres()
})
afterAll(() => postgres[Symbol.asyncDispose]())

interface EngineUnderTest extends BackendUnderTest {
  /** Eight characters, so that a user's name has all of them: `v-token-<role>-…`. */
  readonly role: string
}

async function openEngine(): Promise<EngineUnderTest> {
  const role = `t${randomBytes(4).toString('hex').slice(0, 7)}`
  const mount = await TestMount.open(database, { clock: systemClock, random: systemRandom, databaseDrivers: [postgresql] })
  await mount.write('config/app', connectionFields())
  await mount.write(`roles/${role}`, { db_name: 'app', member_of: 'app_ro' })
  return {
    mount,
    role,
    creds: `creds/${role}`,
    login: ({ username, password }) => login(username as string, password as string),
    pass: until => systemClock.sleep(until.since(systemClock.now()).total('milliseconds') + 5_200),
    occupy,
    async [Symbol.asyncDispose]() {
      await mount[Symbol.asyncDispose]()
      await dropUsers(`v-token-${role}-`)
    }
  }
}

const connectionFields = () => ({
  plugin_name: 'postgresql-database-plugin',
  connection_url: `postgresql://{{username}}:{{password}}@${postgres.host}:${postgres.port}/app?sslmode=disable`,
  username: postgres.admin.user,
  password: postgres.admin.password,
  allowed_roles: '*'
})

/** A session as an application holds one. */
async function login(user: string, password: string): Promise<Session | undefined> {
  const client = await connected(user, password)
  return (
    client && {
      isOpen: async () => {
        try {
          return (await client.query('select count(*)::int as count from customers')).rows.length === 1
        } catch {
          return false
        }
      },
      [Symbol.asyncDispose]: async () => client.end().catch(() => undefined)
    }
  )
}

/** Nothing when the server refuses login or password; any other failure is a failure. */
async function connected(user: string, password: string): Promise<Client | undefined> {
  try {
    return await postgres.connect({ user, password })
  } catch (error) {
    const code = (error as { code?: string }).code ?? ''
    if (['28000', '28P01'].includes(code)) return undefined
    throw error
  }
}

async function occupy(name: string) {
  await postgres.query(`create role "${name}" login password 'theirs'`)
  return {
    isUntouched: async () => {
      await using session = await login(name, 'theirs')
      return session !== undefined
    },
    [Symbol.asyncDispose]: async () => void (await postgres.query(`drop role "${name}"`))
  }
}

async function dropUsers(prefix: string): Promise<void> {
  for (const name of await usersNamed(prefix)) {
    await postgres.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [name])
    await postgres.query(`drop role "${name}"`)
  }
}

async function usersNamed(prefix: string): Promise<readonly string[]> {
  const rows = await postgres.query('select rolname from pg_roles where starts_with(rolname, $1) order by 1', [prefix])
  return rows.map(row => String(row['rolname']))
}

backendContract('the database engine with PostgreSQL', openEngine)

describe('the database engine with PostgreSQL', () => {
  test('runs the statements that set-ups of the wire have', async () => {
    await using under = await openEngine()
    const creation = `CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';
      GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{{name}}";`
    const revocation =
      'REVOKE ALL PRIVILEGES ON ALL TABLES IN SCHEMA public FROM "{{name}}"; REVOKE USAGE ON SCHEMA public FROM "{{name}}";'
    await under.mount.write(`roles/${under.role}`, { member_of: '', creation_statements: creation, revocation_statements: revocation })
    const lease = await under.mount.issue(under.creds)
    await using session = await login(lease.plan.name, (lease.secret!.reveal() as { password: string }).password)
    expect(await session?.isOpen()).toBe(true)
    expect(await under.mount.revoke([lease])).toEqual([{ kind: 'gone' }])
    expect(await session?.isOpen()).toBe(false)
  })

  test('a template that fails half-way leaves nothing', async () => {
    await using under = await openEngine()
    await under.mount.write(`roles/${under.role}`, { member_of: '', creation_statements: ['create role "{{name}}"', 'select 1/0'] })
    const lease = await under.mount.plan(under.creds)
    await expect(under.mount.perform(lease)).rejects.toMatchObject({ code: 'target_refused' })
    expect(await usersNamed(`v-token-${under.role}-`)).toEqual([])
  })

  test('a role that changed, a connection that moved: the old server is cleaned', async () => {
    await using under = await openEngine()
    await using elsewhere = await postgres.newDatabase()
    const lease = await under.mount.issue(under.creds)
    await under.mount.write('config/app', { connection_url: connectionFields().connection_url.replace('/app?', `/${elsewhere.name}?`) })
    await under.mount.delete(`roles/${under.role}`)
    expect(await under.mount.revoke([lease])).toEqual([{ kind: 'gone' }])
    expect(await usersNamed(`v-token-${under.role}-`)).toEqual([])
    await under.mount.write('config/app', {})
    expect(await under.mount.rows.list('connection/app/')).toHaveLength(1)
  })

  test('a failed verification says code and sentence, and no host, password or statement', async () => {
    await using under = await openEngine()
    const error = await under.mount.write('config/app', { password: 'canary-wrong-password' }).catch((error: unknown) => error as Error)
    expect(error).toMatchObject({ code: 'invalid_request' })
    const { message } = error as Error
    expect(message).toMatch(/^error creating database object: error verifying connection: .*28P01/)
    for (const secret of ['canary-wrong-password', postgres.host, String(postgres.port), postgres.admin.password])
      expect(message).not.toContain(secret)
  })

  test('neither the admin password nor that of a user stands in the log of the server', async () => {
    await using under = await openEngine()
    const lease = await under.mount.issue(under.creds)
    await under.mount.revoke([lease])
    const log = await readFile(postgres.logFile, 'utf8')
    expect(log).toContain(lease.plan.name)
    expect(log).not.toContain((lease.secret!.reveal() as { password: string }).password)
    expect(log).not.toContain(postgres.admin.password)
  })

  test('a new admin password is used from its write on, at old versions too', async () => {
    await using under = await openEngine()
    const [user, first, second] = [`adm_${under.role}`, 'first-canary', 'second-canary']
    await postgres.query(`create role ${user} login createrole password '${first}'`)
    await postgres.query(`grant app_ro to ${user} with admin true, inherit false, set false`)
    await postgres.query(`grant pg_signal_backend, pg_read_all_stats to ${user}`)
    await under.mount.write('config/app', { username: user, password: first })
    const before = await under.mount.issue(under.creds)
    await using elsewhere = await postgres.newDatabase()
    await under.mount.write('config/app', { connection_url: connectionFields().connection_url.replace('/app?', `/${elsewhere.name}?`) })
    await postgres.query(`alter role ${user} password '${second}'`)
    await under.mount.write('config/app', { password: second })
    await under.mount.reopen()
    expect(await under.mount.revoke([before])).toEqual([{ kind: 'gone' }])
    const after = await under.mount.issue(under.creds)
    expect(await under.mount.revoke([after])).toEqual([{ kind: 'gone' }])
    await under.mount.reopen()
    await postgres.query(`drop owned by ${user}`)
    await postgres.query(`drop role ${user}`)
  })

  test('an account that cannot end sessions issues nothing, unless the role accepts that', async () => {
    await using under = await openEngine()
    const user = `adm_${under.role}`
    await postgres.query(`create role ${user} login createrole password 'weak'`)
    await postgres.query(`grant app_ro to ${user} with admin true, inherit false, set false`)
    const answer = await under.mount.write('config/app', { username: user, password: 'weak' })
    expect(JSON.stringify(answer)).toContain('pg_signal_backend')
    await expect(under.mount.read(under.creds)).rejects.toThrow('cannot end sessions')
    await under.mount.write(`roles/${under.role}`, { accept_open_sessions: true })
    expect((await under.mount.plan(under.creds)).plan.guarantees.endsSessions).toBe(false)
    await under.mount.reopen()
    await postgres.query(`drop owned by ${user}`)
    await postgres.query(`drop role ${user}`)
  })
})

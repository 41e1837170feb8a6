/** The database engine on a real MariaDB and a real MySQL: the contract of every backend, and what only engine and driver together can show. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Connection } from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { database } from '../../../plugins/database/index.ts'
import { mysql } from '../../../plugins/mysql/index.ts'
import { systemClock, systemRandom } from '../../../src/system-clock.ts'
import { backendContract } from '../../contract/backend-contract.ts'
import type { BackendUnderTest, Session } from '../../contract/backend-contract.ts'
import { TestMount } from '../../contract/test-mount.ts'
import type { MysqlAccess } from '../../targets/mysql-access.ts'
import { sharedMysql, sharedMysqls } from '../../targets/shared-mysql.ts'

interface EngineUnderTest extends BackendUnderTest {
  readonly role: string
}

// Wrong password or no such user; the same in MariaDB's words where accounts of a socket are; locked, on MySQL and on MariaDB.
const refusals = [1045, 1698, 3118, 4151]

describe.each(sharedMysqls)('%s', flavour => {
  let server: MysqlAccess

  beforeAll(async () => {
    server = await sharedMysql(flavour)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  async function openEngine(): Promise<EngineUnderTest> {
    const role = `t${randomBytes(4).toString('hex').slice(0, 7)}`
    const mount = await TestMount.open(database, { clock: systemClock, random: systemRandom, databaseDrivers: [mysql] })
    await mount.write('config/app', connectionFields())
    await mount.write(`roles/${role}`, { db_name: 'app', member_of: 'app_ro' })
    return {
      mount,
      role,
      creds: `creds/${role}`,
      login: ({ username, password }) => login(username as string, password as string),
      pass: async until => {
        // Its own time, the five seconds that the server adds, and the whole second to which it rounds up.
        await systemClock.sleep(until.since(systemClock.now()).total('milliseconds') + 6_500)
        await expect.poll(() => overdueEvents(`v-token-${role}-`)).toEqual([])
      },
      occupy,
      async [Symbol.asyncDispose]() {
        await mount[Symbol.asyncDispose]()
        await dropUsers(`v-token-${role}-`)
      }
    }
  }

  /** Events that the server has not come to yet. It removes them when they are done. */
  const overdueEvents = (prefix: string) =>
    server.query(`select event_name from information_schema.events where event_name like ? and execute_at <= utc_timestamp()`, [
      `${prefix}%`
    ])

  const connectionFields = () => ({
    plugin_name: 'mysql-database-plugin',
    connection_url: `{{username}}:{{password}}@tcp(${server.host}:${server.port})/?tls=false`,
    username: server.admin.user,
    password: server.admin.password,
    allowed_roles: '*'
  })

  /** A session as an application holds one. */
  async function login(user: string, password: string): Promise<Session | undefined> {
    const client = await connected(user, password)
    return (
      client && {
        isOpen: async () => {
          try {
            const [rows] = await client.query('select count(*) as count from app.customers')
            return Array.isArray(rows)
          } catch {
            return false
          }
        },
        [Symbol.asyncDispose]: async () => client.end().catch(() => undefined)
      }
    )
  }

  /** Nothing when the server refuses login or password; any other failure is a failure. */
  async function connected(user: string, password: string): Promise<Connection | undefined> {
    try {
      return await server.connect({ user, password })
    } catch (error) {
      if (refusals.includes((error as { errno?: number }).errno ?? 0)) return undefined
      throw error
    }
  }

  async function occupy(name: string) {
    await server.query(`create user '${name}'@'%' identified by 'Theirs-1'`)
    await server.query(`grant select on app.* to '${name}'@'%'`)
    return {
      isUntouched: async () => {
        await using session = await login(name, 'Theirs-1')
        return session !== undefined
      },
      [Symbol.asyncDispose]: async () => void (await server.query(`drop user '${name}'@'%'`))
    }
  }

  async function dropUsers(prefix: string): Promise<void> {
    for (const { user, host } of await usersNamed(prefix)) {
      await server.query(`drop event if exists mayfly.\`${user}\``)
      await server.query(`drop user \`${user}\`@\`${host}\``)
    }
  }

  async function usersNamed(prefix: string): Promise<readonly { user: string; host: string }[]> {
    const rows = await server.query('select User as user, Host as host from mysql.user where User like ? order by 1', [`${prefix}%`])
    return rows.map(row => ({ user: String(row['user']), host: String(row['host']) }))
  }

  backendContract(`the database engine with ${flavour}`, openEngine)

  test('runs the statements that set-ups of the wire have', async () => {
    await using under = await openEngine()
    const creation = "CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}';GRANT app_ro TO '{{name}}'@'%';"
    const ofDefault = flavour === 'mariadb' ? "SET DEFAULT ROLE app_ro FOR '{{name}}'@'%';" : "SET DEFAULT ROLE app_ro TO '{{name}}'@'%';"
    await under.mount.write(`roles/${under.role}`, {
      member_of: '',
      creation_statements: creation + ofDefault,
      revocation_statements: "REVOKE ALL PRIVILEGES, GRANT OPTION FROM '{{name}}'@'%'"
    })
    const lease = await under.mount.issue(under.creds)
    await using session = await login(lease.plan.name, (lease.secret!.reveal() as { password: string }).password)
    expect(await session?.isOpen()).toBe(true)
    expect(await under.mount.revoke([lease])).toEqual([{ kind: 'gone' }])
    expect(await session?.isOpen()).toBe(false)
  })

  test('a name is as long as this server takes, its event too, and no longer', async () => {
    await using under = await openEngine()
    const bytesMax = flavour === 'mariadb' ? 80 : 32
    const template = (length: number) => `v-token-${under.role}-{{ random ${length - 9 - under.role.length} }}`
    await expect(under.mount.write('config/app', { username_template: template(bytesMax + 1) })).rejects.toThrow(`takes ${bytesMax}`)
    await under.mount.write('config/app', { username_template: template(bytesMax) })
    const lease = await under.mount.issue(under.creds)
    expect(lease.plan.name).toHaveLength(bytesMax)
    await using session = await login(lease.plan.name, (lease.secret!.reveal() as { password: string }).password)
    expect(await session?.isOpen()).toBe(true)
    expect(await under.mount.revoke([lease])).toEqual([{ kind: 'gone' }])
  })

  test('a template that fails half-way leaves a user that nobody can be, and its end takes it away', async () => {
    await using under = await openEngine()
    await under.mount.write(`roles/${under.role}`, {
      member_of: '',
      creation_statements: ["create user '{{name}}'@'%' identified by '{{password}}'", 'grant nobody_s_role to `{{name}}`@`%`']
    })
    const lease = await under.mount.plan(under.creds)
    await expect(under.mount.perform(lease)).rejects.toMatchObject({ code: 'target_refused' })
    const [outcome] = await under.mount.revoke([{ ...lease, createBy: systemClock.now().subtract({ minutes: 10 }) }])
    expect(outcome).toEqual({ kind: 'gone' })
    expect(await usersNamed(`v-token-${under.role}-`)).toEqual([])
  })

  test('a user of a host logs in from there alone, and is ended with exactly that host', async () => {
    await using under = await openEngine()
    await under.mount.write(`roles/${under.role}`, { host: '10.%' })
    const lease = await under.mount.issue(under.creds)
    expect(await usersNamed(lease.plan.name)).toEqual([{ user: lease.plan.name, host: '10.%' }])
    expect(await login(lease.plan.name, (lease.secret!.reveal() as { password: string }).password)).toBeUndefined()
    expect(await under.mount.revoke([lease])).toEqual([{ kind: 'gone' }])
    expect(await usersNamed(lease.plan.name)).toEqual([])
  })

  test('a user of a role that has taken open sessions ends over an account that sees none', async () => {
    await using under = await openEngine()
    const username = `adm_${under.role}`
    const rights = flavour === 'mariadb' ? 'select, update on mysql.*' : 'select on mysql.user'
    await server.query(`create user '${username}'@'%' identified by 'First-1'`)
    for (const grant of ['create user on *.*', 'event on mayfly.*', rights]) await server.query(`grant ${grant} to '${username}'@'%'`)
    await server.query(`grant app_ro to '${username}'@'%' with admin option`)
    await under.mount.write('config/blind', { ...connectionFields(), username, password: 'First-1' })
    await under.mount.write(`roles/${under.role}`, { db_name: 'blind' })
    await expect(under.mount.plan(under.creds)).rejects.toThrow('cannot end sessions')
    await under.mount.write(`roles/${under.role}`, { accept_open_sessions: true })
    expect(await under.mount.revoke([await under.mount.issue(under.creds)])).toEqual([{ kind: 'gone' }])
    await server.query(`drop user '${username}'@'%'`)
  })

  test('neither the admin password nor that of a user stands in the log of the server', async () => {
    await using under = await openEngine()
    const lease = await under.mount.issue(under.creds)
    await under.mount.revoke([lease])
    const log = await readFile(server.logFile, 'utf8')
    expect(log).toContain(lease.plan.name)
    expect(log).not.toContain((lease.secret!.reveal() as { password: string }).password)
    expect(log).not.toContain(server.admin.password)
  })

  test('a failed verification says code and sentence, and no host, password or statement', async () => {
    await using under = await openEngine()
    const error = await under.mount.write('config/app', { password: 'canary-wrong-password' }).catch((error: unknown) => error as Error)
    expect(error).toMatchObject({ code: 'invalid_request' })
    const { message } = error as Error
    expect(message).toMatch(/^error creating database object: error verifying connection: .*1045/)
    for (const secret of ['canary-wrong-password', server.host, String(server.port), server.admin.password])
      expect(message).not.toContain(secret)
  })
})

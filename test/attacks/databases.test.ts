/** Rows 40 and 70 to 74 on a whole broker with a real PostgreSQL: names and passwords that would be statements, and the end of a mount with live users. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedPostgres } from '../targets/shared-postgres.ts'
import { brokerUnderAttack, connectionTo } from './broker-under-attack.ts'
import type { BrokerUnderAttack } from './broker-under-attack.ts'

const postgres = await sharedPostgres()
let broker: BrokerUnderAttack

beforeAll(async () => void (broker = await brokerUnderAttack({ postgres })))
afterAll(async () => {
  await broker.root.must('DELETE', 'sys/mounts/database')
  await broker[Symbol.asyncDispose]()
  await postgres[Symbol.asyncDispose]()
})

interface Issued {
  readonly lease_id: string
  readonly data: { readonly username: string; readonly password: string }
}

/** What the database says to whom was issued. */
async function whoAmI({ data: { username, password } }: Issued): Promise<unknown> {
  return (await postgres.query('select current_user::text as me', [], { user: username, password, database: 'app' }))[0]
}

test.each([
  'x"; DROP ROLE postgres; --',
  "a'b",
  '$$',
  '$mf$',
  '{{password}}',
  '{{name}}"',
  '\u0000\n\u001b[31m',
  'ünïcödé 🙂',
  '../../sys',
  'n'.repeat(128)
])('row 70: a token called %j gets a user with a plain name', async display_name => {
  const holder = broker.as((await broker.token({ policies: ['app'], display_name })).token)
  const issued: Issued = await holder.must('GET', `database/creds/${broker.role}`)
  expect(issued.data.username).toMatch(/^[A-Za-z0-9_-]{1,63}$/)
  expect(await whoAmI(issued)).toEqual({ me: issued.data.username })
})

test('row 70: a role with a long name with dots', async () => {
  const name = `${broker.role}.${'r.'.repeat(100)}x`
  await broker.root.must('POST', `database/roles/${name}`, { db_name: 'app', member_of: ['app_ro'] })
  const issued: Issued = await broker.root.must('GET', `database/creds/${name}`)
  expect(issued.data.username).toMatch(/^[A-Za-z0-9_-]{1,63}$/)
  expect(await whoAmI(issued)).toEqual({ me: issued.data.username })
  await broker.root.must('PUT', 'sys/leases/revoke', { lease_id: issued.lease_id })
})

test('row 70: hostile names through a template of the operator make a plain name, and the login works', async () => {
  const template = '{{.DisplayName | lowercase | truncate 20}}.{{.RoleName | truncate 10}}"{{random 14}}'
  await broker.root.must('POST', 'database/config/named', { ...connectionTo(postgres), username_template: template })
  await broker.root.must('POST', `database/roles/${broker.role}-named`, { db_name: 'named', member_of: ['app_ro'] })
  for (const display_name of ['x"; DROP ROLE postgres; --', '{{random 20}}', "$$'`\\", '\u0000ü🙂'.repeat(30)]) {
    const holder = broker.as((await broker.token({ policies: ['root'], display_name })).token)
    const issued: Issued = await holder.must('GET', `database/creds/${broker.role}-named`)
    expect(issued.data.username).toMatch(/^[a-z0-9_-]{1,20}_[\w-]{1,10}_[0-9A-Za-z]{14}$/)
    expect(await whoAmI(issued)).toEqual({ me: issued.data.username })
  }
})

test.each(['scram-sha-256', 'password'])(
  'row 71: a password of odd characters only, by a policy, logs in (%s)',
  async password_authentication => {
    const charset = `$&'"\\:@%?#;=\`{}-`
    await broker.root.must('PUT', 'sys/policies/password/odd', {
      policy: `length = 30 rule "charset" { charset = ${JSON.stringify(charset)} }`
    })
    await broker.root.must('POST', 'database/config/odd-passwords', {
      ...connectionTo(postgres),
      password_policy: 'odd',
      password_authentication
    })
    const role = {
      db_name: 'odd-passwords',
      creation_statements: `create role "{{name}}" login password '{{password}}' valid until '{{expiration}}' in role app_ro`
    }
    await broker.root.must('POST', `database/roles/${broker.role}-odd`, role)
    for (let i = 0; i < 5; i++) {
      const issued: Issued = await broker.root.must('GET', `database/creds/${broker.role}-odd`)
      expect(issued.data.password).toHaveLength(30)
      expect(await whoAmI(issued)).toEqual({ me: issued.data.username })
      await broker.root.must('PUT', 'sys/leases/revoke', { lease_id: issued.lease_id })
    }
  }
)

test('row 79: a user that owns a table is ended as its role says, and in any case has no login', async () => {
  const own = await postgres.newDatabase()
  const asSuper = { user: postgres.superuser, password: postgres.password, database: own.name }
  await postgres.query('grant create on schema public to app_rw, app_owner', [], asSuper)
  await broker.root.must('POST', 'database/config/owned', connectionTo(postgres))
  for (const [policy, left] of [
    ['drop', []],
    ['keep', ['mine']]
  ] as const) {
    const role = `${broker.role}-${policy}`
    await broker.root.must('POST', `database/roles/${role}`, { db_name: 'owned', member_of: ['app_rw'], owned_objects: policy })
    const issued: Issued = await broker.root.must('GET', `database/creds/${role}`)
    const { username: user, password } = issued.data
    await postgres.query('create table mine (i int)', [], { user, password, database: own.name })
    await broker.root.must('PUT', 'sys/leases/revoke', { lease_id: issued.lease_id, sync: true })
    await expect(whoAmI(issued)).rejects.toThrow()
    const tables = await postgres.query(`select relname::text as name from pg_class where relname = 'mine'`, [], asSuper)
    expect(tables.map(({ name }) => name)).toEqual(left)
  }
  await own[Symbol.asyncDispose]()
})

test.each(['a$&b', 'a$`b', "a$'b", '$$', 'q\'uo"te\\', ':@%/?# =', '{{username}}', 'ü🙂', ' blank '])(
  'row 71: an admin password %j is used as it is, in a field and in a URL',
  async odd => {
    const account = `admin_${broker.role}`
    const password = `${odd}-${account}`
    const inJson = JSON.stringify(password).slice(1, -1)
    await postgres.query(`create role ${account} login createrole password '${password.replaceAll("'", "''")}'`)
    const { host, port } = postgres
    const field = { ...connectionTo(postgres), username: account, password }
    const url = `postgresql://${account}:${encodeURIComponent(password)}@${host}:${port}/app?sslmode=disable`
    for (const fields of [field, { plugin_name: 'postgresql-database-plugin', connection_url: url }]) {
      const { status, body } = await broker.root.ask('POST', 'database/config/odd', fields)
      // Taken only after a login with it; what the account lacks is told. A placeholder would be filled in later, so it is no password.
      expect(status).toBe(odd.includes('{{') ? 400 : 200)
      const read = await broker.root.ask('GET', 'database/config/odd')
      expect(JSON.stringify([body, read.body])).not.toContain(inJson)
      await broker.root.must('DELETE', 'database/config/odd')
    }
    await postgres.query(`drop role ${account}`)
  }
)

test('row 72: a DO body and a semicolon within a literal run whole', async () => {
  const creation_statements = [
    `do $$ begin create role "{{name}}" login password '{{password}}' valid until '{{expiration}}'; perform 'a;b'; end $$; grant app_ro to "{{name}}";`
  ]
  await broker.root.must('POST', `database/roles/${broker.role}-do`, { db_name: 'app', creation_statements })
  const issued: Issued = await broker.root.must('GET', `database/creds/${broker.role}-do`)
  expect(await whoAmI(issued)).toEqual({ me: issued.data.username })
  await broker.root.must('PUT', 'sys/leases/revoke', { lease_id: issued.lease_id })
})

test('row 73: a password in the URL is taken, told of, and never read back', async () => {
  const { host, port, admin } = postgres
  const connection_url = `postgresql://${admin.user}:${admin.password}@${host}:${port}/app?sslmode=disable`
  const written = await broker.root.must('POST', 'database/config/url', { plugin_name: 'postgresql-database-plugin', connection_url })
  expect(JSON.stringify(written)).toContain('Password found in connection_url')
  expect(JSON.stringify(written)).not.toContain(admin.password)
  expect(JSON.stringify(await broker.root.must('GET', 'database/config/url'))).not.toContain(admin.password)
})

test('row 74: TLS that is switched off is told of', async () => {
  const written = await broker.root.must('POST', 'database/config/plain', connectionTo(postgres))
  expect(JSON.stringify(written)).toMatch(/TLS|unencrypted|clear/i)
})

test('row 40: a mount is disabled with three live leases, one in use: no user is left, and nobody is logged in', async () => {
  const role = 'g' + broker.role.slice(1)
  await broker.root.must('POST', 'sys/mounts/going', { type: 'database' })
  await broker.root.must('POST', 'going/config/app', connectionTo(postgres))
  await broker.root.must('POST', `going/roles/${role}`, { db_name: 'app', member_of: ['app_ro'] })
  const issued: Issued[] = []
  for (let i = 0; i < 3; i++) issued.push(await broker.root.must('GET', `going/creds/${role}`))
  const { username: user, password } = issued[0]!.data
  const session = await postgres.connect({ user, password, database: 'app' })
  await broker.root.must('DELETE', 'sys/mounts/going')
  await expect(session.query('select 1')).rejects.toThrow()
  expect(await postgres.query('select rolname from pg_roles where rolname = any($1)', [issued.map(({ data }) => data.username)])).toEqual(
    []
  )
  expect((await broker.root.ask('GET', `going/creds/${role}`)).status).toBe(404)
  expect((await broker.root.ask('PUT', 'sys/leases/lookup', { lease_id: issued[0]!.lease_id })).status).toBe(400)
})

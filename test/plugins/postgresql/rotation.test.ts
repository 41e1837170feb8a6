/** Rotations on a real PostgreSQL: what the driver does, and what a broker makes of it over HTTP. The admin account is one of its own, as its password changes. */
import { randomBytes } from 'node:crypto'
import { Secret } from 'mayfly/plugin'
import { expect, onTestFinished, test } from 'vitest'
import { serveInMemory } from '../../wire/serve-in-memory.ts'
import type { Served } from '../../wire/serve-in-memory.ts'
import { postgresql } from '../../../plugins/postgresql/index.ts'
import { FaultProxy } from '../../targets/fault-proxy.ts'
import { canLogIn, issue, login, openDriver, postgres, soon } from './kit.ts'

const old = 'Old-Canary-Passw0rd'
const fresh = 'New-Canary-Passw0rd'

/** An account that is there before anybody rotates it. */
async function account(name = `app "$mf$' ${randomBytes(4).toString('hex')}`, attributes = ''): Promise<string> {
  await postgres.query(`create role "${name.replaceAll('"', '""')}" login password '${old}' ${attributes}`)
  onTestFinished(async () => void (await postgres.query(`drop role if exists "${name.replaceAll('"', '""')}"`)))
  // Since 16 who has not made a user may alter it only with ADMIN on it.
  await postgres.query(`grant "${name.replaceAll('"', '""')}" to "${postgres.admin.user}" with admin true, inherit false, set false`)
  return name
}

async function adminAccount(): Promise<string> {
  const name = `rotating_${randomBytes(4).toString('hex')}`
  await postgres.query(`create role "${name}" login createrole password '${old}'`)
  await postgres.query(`grant pg_signal_backend, pg_read_all_stats to "${name}"`)
  await postgres.query(`grant app_ro to "${name}" with admin true, inherit false, set false`)
  onTestFinished(async () => {
    await postgres.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [name])
    await postgres.query(`drop owned by "${name}"`)
    await postgres.query(`drop role "${name}"`)
  })
  return name
}

const password = (text: string) => new Secret(text)

test('a user gets another password, as a verifier, and the same again changes nothing', async () => {
  const name = await account()
  const database = openDriver()
  const before = await login(name, old)
  const call = { name, password: password(fresh), statements: [] }
  await database.setPassword(call, soon())
  await database.setPassword(call, soon())
  expect([await canLogIn(name, fresh), await canLogIn(name, old)]).toEqual([true, false])
  const [row] = await postgres.query('select rolpassword from pg_authid where rolname = $1', [name])
  expect(row?.['rolpassword']).toMatch(/^SCRAM-SHA-256\$4096:/)
  // Sessions of a static account live on.
  expect((await before.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})

test('by statements of the operator, quoted by where the placeholder stands', async () => {
  const name = await account()
  await openDriver({ password_authentication: 'password' }).setPassword(
    { name, password: password("it's $& new"), statements: [`ALTER ROLE "{{name}}" WITH PASSWORD '{{password}}'; -- done`] },
    soon()
  )
  expect(await canLogIn(name, "it's $& new")).toBe(true)
})

test('nobody is made, and the user of a lease is left alone', async () => {
  const database = openDriver()
  const statements = [`create role "{{name}}" login password '{{password}}'`]
  await expect(database.setPassword({ name: 'nobody-is-here', password: password(fresh), statements }, soon())).rejects.toMatchObject({
    code: 'target_refused',
    message: 'the server has no user "nobody-is-here" that is there for more than a lease'
  })
  expect(await database.findUser('nobody-is-here', soon())).toBeUndefined()
  const lease = await issue(database)
  expect(await database.findUser(lease.name, soon())).toEqual({ mark: lease.mark })
  await expect(database.setPassword({ name: lease.name, password: password(fresh), statements: [] }, soon())).rejects.toThrow(
    'more than a lease'
  )
  expect(await canLogIn(lease.name)).toBe(true)
  await database.revokeUsers({ statements: [], users: [lease.revoked] }, soon())
})

test('a failure in the statements leaves the password as it was, and no secret in the error', async () => {
  const name = await account()
  const statements = [`alter role "{{name}}" password '{{password}}'`, `alter role "{{name}}" connection limit '{{password}}'`]
  const refused = openDriver({ password_authentication: 'password' }).setPassword({ name, password: password(fresh), statements }, soon())
  await expect(refused).rejects.toMatchObject({ code: 'target_refused', message: expect.not.stringContaining(fresh) })
  expect(await canLogIn(name, old)).toBe(true)
})

test('silence after the change is no proof of either password, and the same again settles it', async () => {
  const name = await account()
  await using proxy = await FaultProxy.start(postgres)
  const database = openDriver({ host: proxy.host, port: proxy.port })
  proxy.fault = { kind: 'swallow', pattern: 'with password' }
  const call = { name, password: password(fresh), statements: [] }
  await expect(database.setPassword(call, AbortSignal.timeout(1_000))).rejects.toMatchObject({ code: 'target_silent' })
  await database.setPassword(call, soon())
  expect([await canLogIn(name, fresh), await canLogIn(name, old)]).toEqual([true, false])
})

test('a login is tried on its own, and only a look at the password says no', async () => {
  const database = openDriver()
  const name = await account()
  const may = (text: string, who = name) => database.mayLogIn({ name: who, password: password(text) }, soon())
  expect([await may(old), await may(fresh)]).toEqual([true, false])
  expect(await may(old, 'nobody-is-here')).toBe(false)
  await postgres.query(`alter role "${name.replaceAll('"', '""')}" nologin`)
  await expect(may(old)).rejects.toMatchObject({ code: 'target_refused' })
  const limited = await account(undefined, 'connection limit 0')
  await expect(may(old, limited)).rejects.toMatchObject({ code: 'target_unreachable' })
  await expect(openDriver({ port: 1025 }).mayLogIn({ name, password: password(old) }, soon())).rejects.toMatchObject({
    code: 'target_unreachable'
  })
})

test('while the password of the admin account changes, new sessions are made with either', async () => {
  const admin = await adminAccount()
  const database = openDriver({ username: admin, password: old })
  await postgres.query(`alter role "${admin}" password '${fresh}'`)
  await expect(database.now(soon())).rejects.toMatchObject({ code: 'target_refused' })
  database.expectPassword!(password(fresh))
  await database.now(soon())
  expect(await database.mayLogIn({ name: admin, password: password(old) }, soon())).toBe(false)
})

test('superusers are none of a careful account', async () => {
  expect(await openDriver().findUser(postgres.superuser, soon())).toEqual({ missing: expect.stringContaining('superuser') })
  expect(await openDriver({ username: postgres.superuser, password: postgres.password }).findUser(postgres.superuser, soon())).toEqual({})
})

test.each(['root_rotation', 'rotation'] as const)('%s statements that set no password are refused', kind => {
  const statements = (...list: readonly string[]) => postgresql.statements(kind, list)
  expect(() => statements('select 1')).toThrow(`${kind}_statements: no {{password}} in them`)
  expect(() => statements(`alter role "{{name}}" valid until '{{expiration}}' password '{{password}}'`)).toThrow(
    `${kind}_statements: unknown placeholder {{expiration}}`
  )
  expect(statements(`alter user "{{username}}" with password '{{password}}'`)).toEqual({ warnings: [] })
})

async function brokerWith(admin: string, extra: Readonly<Record<string, unknown>> = {}): Promise<Served> {
  const broker = await serveInMemory()
  onTestFinished(async () => {
    await broker.ask('DELETE', 'sys/mounts/database')
    await broker[Symbol.asyncDispose]()
  })
  await must(broker, 'POST', 'sys/mounts/database', { type: 'database' })
  await must(broker, 'POST', 'database/config/app', {
    plugin_name: 'postgresql-database-plugin',
    connection_url: `postgresql://{{username}}:{{password}}@${postgres.host}:${postgres.port}/app?sslmode=disable`,
    username: admin,
    password: old,
    allowed_roles: '*',
    ...extra
  })
  await must(broker, 'POST', 'database/roles/reader', { db_name: 'app', member_of: 'app_ro' })
  return broker
}

async function must(broker: Served, method: string, path: string, body?: unknown) {
  const reply = await broker.ask(method, path, body)
  if (reply.status >= 300) throw new Error(`${method} ${path}: ${reply.status} ${reply.body}`)
  return reply
}

test('a static role over HTTP: taken over, read, rotated, given back', async () => {
  const admin = await adminAccount()
  const broker = await brokerWith(admin)
  const user = `static_${randomBytes(4).toString('hex')}`
  await postgres.query(`set role "${admin}"; create role "${user}" login password '${old}'`, [], {
    user: postgres.superuser,
    password: postgres.password
  })
  onTestFinished(async () => void (await postgres.query(`drop role "${user}"`)))
  expect(await must(broker, 'POST', 'database/static-roles/app', { db_name: 'app', username: user, rotation_period: '24h' })).toMatchObject(
    { status: 204 }
  )
  const first = (await must(broker, 'GET', 'database/static-creds/app')).json
  expect(first).toMatchObject({ lease_id: '', renewable: false, lease_duration: 0, data: { username: user, rotation_period: 86_400 } })
  expect([await canLogIn(user, first['data'].password), await canLogIn(user, old)]).toEqual([true, false])
  expect(await must(broker, 'POST', 'database/rotate-role/app')).toMatchObject({ status: 204, body: '' })
  const second = (await must(broker, 'GET', 'database/static-creds/app')).json['data']
  expect([await canLogIn(user, second.password), await canLogIn(user, first['data'].password)]).toEqual([true, false])
  expect(await must(broker, 'DELETE', 'database/static-roles/app')).toMatchObject({
    status: 200,
    json: { warnings: [expect.stringContaining(user)] }
  })
  expect(await canLogIn(user, second.password)).toBe(true)
  expect(await broker.ask('GET', 'database/static-creds/app')).toMatchObject({ status: 400, json: { errors: ['unknown role: app'] } })
  expect(await broker.ask('POST', 'database/rotate-role/app')).toMatchObject({
    status: 400,
    json: { errors: ['no static role found for role name'] }
  })
})

test('a user whom the account may not alter is refused, and one whom it may alter no longer tried again', async () => {
  const admin = await adminAccount()
  const broker = await brokerWith(admin)
  const user = `foreign_${randomBytes(4).toString('hex')}`
  await postgres.query(`create role "${user}" login password '${old}'`)
  onTestFinished(async () => void (await postgres.query(`drop role "${user}"`)))
  const reply = await broker.ask('POST', 'database/static-roles/app', { db_name: 'app', username: user, rotation_period: '24h' })
  expect(reply).toMatchObject({ status: 400, json: { errors: [expect.stringContaining('ADMIN on it, is missing')] } })
  await postgres.query(`grant "${user}" to "${admin}" with admin true, inherit false, set false`)
  await must(broker, 'POST', 'database/static-roles/app', { db_name: 'app', username: user, rotation_period: '24h' })
  const { password } = (await must(broker, 'GET', 'database/static-creds/app')).json['data']
  await postgres.query(`revoke "${user}" from "${admin}"`)
  const later = await broker.ask('POST', 'database/rotate-role/app')
  expect(later.status).toBe(500)
  expect(later.body).toContain('retries will continue in the background but it is also safe to retry manually: the server refused: 42501')
  await postgres.query(`grant "${user}" to "${admin}" with admin true, inherit false, set false`)
  await must(broker, 'POST', 'database/rotate-role/app')
  expect(await canLogIn(user, password)).toBe(false)
})

test('rotate-root over HTTP: the old password is out, leases made before and after are ended', async () => {
  const admin = await adminAccount()
  const broker = await brokerWith(admin, { root_rotation_statements: `ALTER ROLE "{{username}}" WITH PASSWORD '{{password}}'` })
  const held = await must(broker, 'GET', 'database/creds/reader')
  const busy = Array.from({ length: 20 }, () => broker.ask('GET', 'database/creds/reader'))
  expect(await must(broker, 'POST', 'database/rotate-root/app')).toMatchObject({ status: 204, body: '' })
  expect((await Promise.all(busy)).map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
  expect(await canLogIn(admin, old)).toBe(false)
  await must(broker, 'POST', 'database/reset/app')
  await must(broker, 'GET', 'database/creds/reader')
  await must(broker, 'POST', 'database/config/app', { allowed_roles: 'reader' })
  await must(broker, 'PUT', 'sys/leases/revoke', { lease_id: held.json['lease_id'] })
  const written = await broker.ask('POST', 'database/config/app', { password: old })
  expect(written).toMatchObject({ status: 400, json: { errors: [expect.stringContaining('password: it is one from before a rotation')] } })
  await must(broker, 'PUT', 'sys/leases/revoke-prefix/database/creds')
})

test('rotate-root tells why the server refuses, without a secret, and the account keeps its password', async () => {
  const admin = await adminAccount()
  const statements = [`ALTER ROLE "{{username}}" WITH PASSWORD '{{password}}'`, `ALTER ROLE "{{username}}" CONNECTION LIMIT '{{password}}'`]
  const broker = await brokerWith(admin, { root_rotation_statements: statements })
  const refused = await broker.ask('POST', 'database/rotate-root/app')
  expect(refused).toMatchObject({
    status: 400,
    json: { errors: [expect.stringMatching(/^unable to rotate root credentials: the server refused: 42601 /)] }
  })
  expect(refused.body).not.toContain('SCRAM-SHA-256$4096')
  expect(await canLogIn(admin, old)).toBe(true)
  expect((await must(broker, 'GET', 'database/config/app')).json['data']).not.toHaveProperty('rotation')
  await must(broker, 'POST', 'database/config/app', { root_rotation_statements: [] })
  await must(broker, 'POST', 'database/rotate-root/app')
  expect(await canLogIn(admin, old)).toBe(false)
})

test('rotate-root refuses a password that stands in the URL', async () => {
  const admin = await adminAccount()
  const broker = await brokerWith(admin)
  await must(broker, 'POST', 'database/config/url', {
    plugin_name: 'postgresql-database-plugin',
    connection_url: `postgresql://${admin}:${old}@${postgres.host}:${postgres.port}/app?sslmode=disable`
  })
  expect((await broker.ask('POST', 'database/rotate-root/url')).json).toEqual({
    errors: ['unable to rotate root credentials: no username in configuration']
  })
  expect((await broker.ask('POST', 'database/rotate-root/app')).body).toContain('connection \\"url\\" has the account')
  expect(await canLogIn(admin, old)).toBe(true)
})

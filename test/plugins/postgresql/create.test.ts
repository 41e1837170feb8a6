import { readFile } from 'node:fs/promises'
import { Secret } from 'mayfly/plugin'
import { expect, test } from 'vitest'
import { systemClock } from '../../../src/system-clock.ts'
import { canLogIn, issue, login, newUser, obstacle, openDriver, password, postgres, revoke, roleNamed, soon } from './kit.ts'

// Who sleeps in a transaction leaves the second away: it would hold the group, and with it everybody else.
const template = [`CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';`, `GRANT app_ro TO "{{name}}";`]

test('an issued user logs in and has the rights of its group, and no more', async () => {
  const database = openDriver()
  const user = await issue(database, { connectionLimit: 2 })
  const session = await login(user.name)
  expect((await session.query('select count(*)::int as customers from customers')).rows).toEqual([{ customers: 3 }])
  await expect(session.query("insert into customers (name) values ('x')")).rejects.toMatchObject({ code: '42501' })
  await expect(session.query('set role app_ro')).rejects.toMatchObject({ code: '42501' })
  expect(await canLogIn(user.name, 'wrong')).toBe(false)
  expect(await roleNamed(user.name)).toMatchObject({ oid: user.oid, enabled: true, super: false, limit: 2, mark: user.mark })
  await revoke(database, [user.revoked])
})

test('the server expires it by itself, 5 s after the lease', async () => {
  const database = openDriver()
  const until = Temporal.Instant.from('2031-01-02T03:04:05.999Z')
  const user = await issue(database, { until, statements: template })
  expect((await roleNamed(user.name))?.['until']).toBe('2031-01-02 03:04:10+00')
  const late = await issue(database, { until: systemClock.now().subtract({ seconds: 30 }) })
  expect(await canLogIn(late.name)).toBe(false)
  await revoke(database, [user.revoked, late.revoked])
})

test('statements that set LOGIN and a comment have no say in either', async () => {
  const database = openDriver()
  const { statement, reached, letGo } = await obstacle()
  const statements = [template[0]!, `comment on role "{{name}}" is 'theirs'`, statement]
  const user = newUser({ statements, memberOf: [] })
  const making = database.createUser(user, soon())
  await reached()
  expect(await canLogIn(user.name)).toBe(false)
  await letGo()
  const handle = await making
  expect(await roleNamed(user.name)).toMatchObject({ enabled: true, mark: user.mark })
  await revoke(database, [{ name: user.name, mark: user.mark, handle }])
})

test('the deadline is judged by the server, and when it has passed nothing is made', async () => {
  const database = openDriver()
  const user = newUser({ createBy: systemClock.now().subtract({ seconds: 3 }) })
  await expect(database.createUser(user, soon())).rejects.toMatchObject({
    code: 'target_refused',
    message: "the issuance deadline has passed on the server's clock"
  })
  expect(await roleNamed(user.name)).toBeUndefined()
  // The connection goes on.
  const next = await issue(database)
  await revoke(database, [next.revoked])
})

test('statements that take longer than the deadline leave nothing', async () => {
  const database = openDriver()
  const createBy = systemClock.now().add({ milliseconds: 2_500 })
  const user = newUser({ createBy, statements: [template[0]!, 'select pg_sleep(3)'], memberOf: [] })
  await expect(database.createUser(user, soon())).rejects.toMatchObject({ code: 'target_refused' })
  expect(await roleNamed(user.name)).toBeUndefined()
})

test('a broker whose clock is an hour off still issues, and its users live as long as they should', async () => {
  for (const hours of [-1, 1]) {
    const now = () => systemClock.now().add({ hours })
    const database = openDriver({}, { clock: { ...systemClock, now } })
    const until = now().add({ minutes: 10 })
    const user = await issue(database, { createBy: now().add({ seconds: 10 }), until })
    const seconds =
      (Temporal.Instant.from(String((await roleNamed(user.name))?.['until']).replace(' ', 'T')).epochMilliseconds -
        systemClock.now().epochMilliseconds) /
      1_000
    expect(seconds).toBeGreaterThan(590)
    expect(seconds).toBeLessThan(610)
    const late = newUser({ createBy: now().subtract({ seconds: 5 }) })
    await expect(database.createUser(late, soon())).rejects.toMatchObject({ code: 'target_refused' })
    await revoke(database, [user.revoked])
  }
})

test('a clock that jumps fails one issue, and not the next', async () => {
  let hours = 0
  const now = () => systemClock.now().add({ hours })
  const database = openDriver({}, { clock: { ...systemClock, now } })
  const first = await issue(database, { createBy: now().add({ seconds: 10 }) })
  hours = -1
  await expect(issue(database, { createBy: now().add({ seconds: 10 }) })).rejects.toMatchObject({ code: 'target_refused' })
  const second = await issue(database, { createBy: now().add({ seconds: 10 }) })
  await revoke(database, [first.revoked, second.revoked])
})

test.each([
  ['that fail at the end', [...template, 'select 1/0'], '22012'],
  ['that are no SQL', [...template, 'nonsense'], '42601'],
  ['that name no such group', [template[0]!, 'grant no_such_group to "{{name}}"'], '42704'],
  ['that ask for more than the account has', [template[0]!.replace('LOGIN', 'SUPERUSER LOGIN')], '42501']
])('statements %s leave nothing behind', async (_, statements, code) => {
  const database = openDriver()
  const user = newUser({ statements, memberOf: [] })
  const error = await database.createUser(user, soon()).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'target_refused', message: expect.stringContaining(`the server refused: ${code} `) })
  expect(await roleNamed(user.name)).toBeUndefined()
})

test('statements that make no user of that name are refused', async () => {
  const database = openDriver()
  const user = newUser({ statements: ['select 1'], memberOf: [] })
  await expect(database.createUser(user, soon())).rejects.toMatchObject({ code: 'target_refused' })
})

test('statements that slip out of the transaction are noticed, and their user was never enabled', async () => {
  const database = openDriver()
  // No lexer sees into a procedure; the server refuses COMMIT in it as long as a transaction is open around it.
  const user = newUser({ statements: [...template, 'do $$ begin commit; end $$'], memberOf: [] })
  await expect(database.createUser(user, soon())).rejects.toMatchObject({ code: 'target_refused' })
  expect(await roleNamed(user.name)).toBeUndefined()
})

test('a name that is taken is never adopted, altered or enabled', async () => {
  const database = openDriver()
  const user = newUser()
  await postgres.query(`create role "${user.name}" nologin`)
  const before = await roleNamed(user.name)
  const adopting = [
    `do $$ begin if not exists (select from pg_roles where rolname = '{{name}}') then create role "{{name}}"; end if; end $$`
  ]
  for (const statements of [[], template, adopting])
    await expect(database.createUser({ ...user, statements }, soon())).rejects.toMatchObject({ code: 'target_refused' })
  expect(await roleNamed(user.name)).toEqual(before)
  // Nor is it dropped.
  const [outcome] = await revoke(database, [{ name: user.name, mark: user.mark, handle: {} }])
  expect(outcome).toMatchObject({ kind: 'failed' })
  expect(await roleNamed(user.name)).toEqual(before)
  await postgres.query(`drop role "${user.name}"`)
})

test('statements that change the session do not change it for the next user', async () => {
  const database = openDriver({ max_open_connections: 2 })
  const user = await issue(database, {
    statements: [...template, "set statement_timeout = '7s'", 'set search_path = nowhere'],
    memberOf: []
  })
  const probe = newUser({
    statements: [...template, `do $$ begin if current_setting('statement_timeout') <> '10s' then raise exception 'leaked'; end if; end $$`],
    memberOf: []
  })
  const handle = await database.createUser(probe, soon())
  await revoke(database, [user.revoked, { name: probe.name, mark: probe.mark, handle }])
})

test.each(['$&', '$`', "$'", "a'b", 'a"b', 'a\\b', 'a:b@c%d', '{{name}}', '$$', "'; drop role postgres; --"])(
  'the password %s survives and logs in',
  async odd => {
    const database = openDriver()
    const secret = `x${odd}y`
    for (const fields of [{}, { password_authentication: 'password' }]) {
      const plain = openDriver(fields)
      const user = await issue(plain, { password: new Secret(secret), statements: template, memberOf: [] })
      expect(await canLogIn(user.name, secret)).toBe(true)
      await revoke(database, [user.revoked])
    }
  }
)

test.each(['x"; DROP ROLE postgres; --', "a'b", '$$', '$mf$', '$mf$ $mayfly', '{{password}}', 'ü'])(
  'the name %s is quoted wherever it stands',
  async odd => {
    const database = openDriver()
    for (const statements of [[], template]) {
      const base = newUser()
      const user = await issue(database, { name: `${odd}${base.name.slice(-20)}`, mark: base.mark, statements })
      expect(await canLogIn(user.name)).toBe(true)
      expect(await revoke(database, [user.revoked])).toEqual([{ kind: 'gone' }])
      expect(await roleNamed(user.name)).toBeUndefined()
    }
  }
)

test('a DO body and a ; in a literal run whole', async () => {
  const database = openDriver()
  const statements = [
    `do $$ declare t text := 'a;b'; begin execute format('create role %I login password %L', '{{name}}', '{{password}}'); end $$; -- the end`,
    `comment on role "{{name}}" is 'one; two'`
  ]
  const user = await issue(database, { statements, memberOf: ['app_ro'] })
  const session = await login(user.name)
  expect((await session.query('select count(*)::int as customers from customers')).rows).toEqual([{ customers: 3 }])
  await revoke(database, [user.revoked])
})

test('the log of a server that logs every statement shows no password', async () => {
  const database = openDriver()
  const canary = `Canary-${newUser().name.slice(-24)}`
  const one = await issue(database, { password: new Secret(canary) })
  const two = await issue(database, { password: new Secret(canary), statements: template, memberOf: [] })
  const failing = newUser({ password: new Secret(canary), statements: [...template, 'select 1/0'], memberOf: [] })
  const error: unknown = await database.createUser(failing, soon()).catch((thrown: unknown) => thrown)
  const log = await readFile(postgres.logFile, 'utf8')
  expect(log).toContain(one.name)
  expect(log).toContain(failing.name)
  expect(log).not.toContain(canary)
  expect(log).not.toContain(postgres.admin.password)
  expect(`${String(error)} ${String((error as Error).cause)}`).not.toContain(canary)
  await revoke(database, [one.revoked, two.revoked])
})

test('an error never quotes the secrets that its statement held', async () => {
  const database = openDriver({ password_authentication: 'password' })
  const statements = [
    `do $$ begin raise exception 'oops % %', '{{password}}', '127.0.0.1' using detail = '{{password}}', hint = '{{password}}'; end $$`
  ]
  const error = (await database.createUser(newUser({ statements, memberOf: [] }), soon()).catch((thrown: unknown) => thrown)) as Error
  expect(error.message).toBe('the server refused: P0001 oops [secret] [address]')
  expect(JSON.stringify(error.cause, Object.getOwnPropertyNames(error.cause))).not.toContain(password)
})

test('a renewal moves the expiry of exactly this user', async () => {
  const database = openDriver()
  const user = await issue(database)
  const until = Temporal.Instant.from('2032-01-02T03:04:05Z')
  await database.renewUser({ name: user.name, handle: { oid: user.oid }, statements: [], until }, soon())
  expect((await roleNamed(user.name))?.['until']).toBe('2032-01-02 03:04:10+00')
  const statements = [`alter role "{{name}}" connection limit 7 valid until '{{expiration}}'`]
  await database.renewUser({ name: user.name, handle: {}, statements, until: until.add({ seconds: 1 }) }, soon())
  expect(await roleNamed(user.name)).toMatchObject({ until: '2032-01-02 03:04:11+00', limit: 7 })
  await expect(database.renewUser({ name: user.name, handle: { oid: user.oid + 1 }, statements: [], until }, soon())).rejects.toMatchObject(
    {
      code: 'target_refused'
    }
  )
  await revoke(database, [user.revoked])
  await expect(database.renewUser({ name: user.name, handle: { oid: user.oid }, statements: [], until }, soon())).rejects.toMatchObject({
    code: 'target_refused',
    message: 'the user is gone or disabled'
  })
})

test('a renewal that comes late does not wake a disabled user', async () => {
  const database = openDriver()
  const user = await issue(database)
  await postgres.query(`alter role "${user.name}" nologin valid until '-infinity'`)
  await expect(
    database.renewUser({ name: user.name, handle: { oid: user.oid }, statements: [], until: user.until }, soon())
  ).rejects.toMatchObject({ code: 'target_refused' })
  expect((await roleNamed(user.name))?.['until']).toBe('-infinity')
  await revoke(database, [user.revoked])
})

import { appendFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Database } from '../../../src/contracts/index.ts'
import { postgresql } from '../../../plugins/postgresql/index.ts'
import { systemClock, systemRandom } from '../../../src/system-clock.ts'
import { startPostgres } from '../../targets/embedded-postgres.ts'
import { canLogIn, issue, kinds, login, newUser, openDriver, postgres, quiet, revoke, roleNamed, soon, why } from './kit.ts'

const password = 'admin-of-a-test'

/** All but the way to the server, which is without TLS here. */
async function lacks(database: Database): Promise<readonly string[]> {
  return (await database.check(soon())).missing.filter(one => !one.startsWith('sslmode='))
}

/** An admin account that lacks something. Dropped with the test. */
async function account(options: string, ...more: readonly string[]): Promise<{ username: string; password: string }> {
  const username = `admin_${newUser().name.slice(-12)}`
  await postgres.query(
    [`create role ${username} login ${options} password '${password}'`, ...more.map(sql => sql.replaceAll('ME', username))].join(';')
  )
  onTestFinished(async () => {
    await postgres.query(`drop owned by ${username}; drop role ${username}`)
  })
  return { username, password }
}

test('an account with all rights lacks nothing, and the guarantees say what holds', async () => {
  const check = await openDriver().check(soon())
  expect(check.version).toMatch(/^\d+/)
  expect(check.missing).toEqual([expect.stringMatching(/^sslmode=disable: no TLS/)])
  expect(check.guarantees).toMatchObject({ revocable: 'at once', endsSessions: true, diesByItself: true, listable: true, observable: 'no' })
  // Nothing that a caller has to be warned of.
  expect(check.guarantees).not.toHaveProperty('notes')
})

test('without pg_signal_backend the check says it, and a user with a session is never gone', async () => {
  const admin = await account('createrole', 'grant pg_read_all_stats to ME', 'grant app_ro to ME with admin true, inherit false, set false')
  const database = openDriver(admin)
  const check = await database.check(soon())
  expect(await lacks(database)).toEqual(['pg_signal_backend: sessions stay open after a revocation'])
  expect(check.guarantees.endsSessions).toBe(false)

  const [open, closed] = [await issue(database), await issue(database)]
  const session = await login(open.name)
  const outcomes = await revoke(database, [open.revoked, closed.revoked])
  expect(kinds(outcomes)).toEqual(['failed', 'gone'])
  expect(why(outcomes[0])).toContain('pg_signal_backend')
  // Disabled all the same, and found by the next attempt.
  expect(await canLogIn(open.name)).toBe(false)
  expect(await roleNamed(open.name)).toMatchObject({ oid: open.oid, enabled: false })
  await session.client.end()
  expect(kinds(await revoke(database, [open.revoked]))).toEqual(['gone'])
})

test('without pg_read_all_stats revoking works', async () => {
  const admin = await account('createrole', 'grant pg_signal_backend to ME', 'grant app_ro to ME with admin true, inherit false, set false')
  const database = openDriver(admin)
  expect(await lacks(database)).toEqual([expect.stringMatching(/^pg_read_all_stats: /)])
  const user = await issue(database)
  const session = await login(user.name)
  expect(kinds(await revoke(database, [user.revoked]))).toEqual(['gone'])
  await session.ended
})

test('without CREATEROLE there is no credential, and the check said so', async () => {
  const admin = await account('nocreaterole', 'grant pg_signal_backend, pg_read_all_stats to ME')
  const database = openDriver(admin)
  expect(await lacks(database)).toEqual(['CREATEROLE: no credential can be made'])
  await expect(database.createUser(newUser(), soon())).rejects.toMatchObject({
    code: 'target_refused',
    message: expect.stringContaining('42501')
  })
})

test('without ADMIN on the group nothing is left behind', async () => {
  const admin = await account('createrole', 'grant pg_signal_backend, pg_read_all_stats to ME')
  const database = openDriver(admin)
  const user = newUser()
  await expect(database.createUser(user, soon())).rejects.toMatchObject({
    code: 'target_refused',
    message: 'the server refused: 42501 permission denied to grant role "app_ro"'
  })
  expect(await roleNamed(user.name)).toBeUndefined()
})

test('another account can neither disable nor drop a user, and says so', async () => {
  const admin = await account('createrole', 'grant pg_signal_backend, pg_read_all_stats to ME')
  const user = await issue(openDriver())
  const [outcome] = await revoke(openDriver(admin), [user.revoked])
  expect(outcome?.kind).toBe('failed')
  expect(why(outcome)).toContain('lacks ADMIN')
  expect(kinds(await revoke(openDriver(), [user.revoked]))).toEqual(['gone'])
})

test('a user that the account could not end is not made', async () => {
  const admin = await account('createrole', 'grant pg_signal_backend, pg_read_all_stats to ME')
  // Made by a function of somebody else: the account gets no ADMIN on it.
  const name = `make_${admin.username}`
  await postgres.query(
    `create function ${name}(n text) returns void language plpgsql security definer as $f$ begin execute format('create role %I login', n); end $f$`
  )
  const user = newUser({ statements: [`select public.${name}('{{name}}')`], memberOf: [] })
  await expect(openDriver(admin).createUser(user, soon())).rejects.toMatchObject({ code: 'target_refused' })
  expect(await roleNamed(user.name)).toBeUndefined()
  await postgres.query(`drop function ${name}`)
})

test('lines of pg_hba.conf that ask for no password are told where they can be read', async () => {
  await using own = await startPostgres()
  const admin = { username: own.superuser, password: own.password }
  expect(await lacks(openDriver(admin, {}, own))).toEqual([])
  await appendFile(join(dirname(own.logFile), 'data', 'pg_hba.conf'), 'host nowhere nobody 127.0.0.1/32 trust\n')
  expect(await lacks(openDriver(admin, {}, own))).toEqual([
    expect.stringMatching(/^pg_hba.conf line \d+ \(trust\): .* does not expire by itself$/)
  ])
})

test('a wrong password is refused without it', async () => {
  const error = await openDriver({ password: 'Wrong-Canary-1' })
    .check(soon())
    .catch((thrown: unknown) => thrown as Error)
  expect(error).toMatchObject({
    code: 'target_refused',
    message: 'the server refused: 28P01 password authentication failed for user "mayfly"'
  })
})

test('a database that is not there is a refusal', async () => {
  await expect(openDriver({ database: 'nowhere' }).check(soon())).rejects.toMatchObject({
    code: 'target_refused',
    message: expect.stringContaining('3D000')
  })
})

test('nobody listens: unreachable, without the address', async () => {
  const error = await openDriver({ port: 1_025 })
    .check(soon())
    .catch((thrown: unknown) => thrown as Error)
  expect(error).toMatchObject({ code: 'target_unreachable', message: 'cannot reach the database server: ECONNREFUSED' })
})

test('the first host that answers is used', async () => {
  const url = `host=127.0.0.1,127.0.0.1 port=1025,${postgres.port} user={{username}} password={{password}} dbname=app sslmode=disable`
  const { user: username, password } = postgres.admin
  const { settings } = postgresql.connection({ connection_url: url, username, password }, { tls: 'any' })
  await using database = postgresql.open(settings, { clock: systemClock, random: systemRandom, log: quiet })
  expect((await database.check(soon())).version).toMatch(/^\d/)
})

test('the time is that of the server', async () => {
  const now = await openDriver().now(soon())
  expect(Math.abs(now.epochMilliseconds - Temporal.Now.instant().epochMilliseconds)).toBeLessThan(2_000)
})

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { addUser, usersOf } from '../../plugins/memory/target.ts'
import { BrokerError } from '../../src/contracts/index.ts'
import type { JsonObject } from '../../src/contracts/index.ts'
import { backendContract } from '../contract/backend-contract.ts'
import type { TestLease, TestMount } from '../contract/test-mount.ts'
import { openDatabaseMount } from './database-mount.ts'

backendContract('the database engine over files', openDatabaseMount)

describe('a connection', () => {
  test('reads back without its password', async () => {
    await using under = await openDatabaseMount()
    expect(await dataOf(under.mount, 'config/main')).toEqual({
      plugin_name: 'file-database-plugin',
      plugin_version: '',
      connection_details: { host: under.server('main'), database: '', username: 'admin' },
      allowed_roles: ['app'],
      root_credentials_rotate_statements: [],
      password_policy: '',
      check: { version: '1', missing: [], guarantees: under.driver.guarantees }
    })
  })

  test('is verified before it is stored, unless told otherwise', async () => {
    await using under = await openDatabaseMount()
    const wrong = { ...under.connection, password: 'wrong' }
    await expect(under.mount.write('config/other', wrong)).rejects.toThrow(
      'error creating database object: error verifying connection: 28P01 password authentication failed'
    )
    expect(await under.mount.read('config/other')).toBeUndefined()
    await under.mount.write('config/other', { ...wrong, verify_connection: false })
    expect(await dataOf(under.mount, 'config/other')).not.toHaveProperty('check')
    expect(under.driver.opened.size).toBe(0)
  })

  test('an update merges: without a password it keeps the one that is there', async () => {
    await using under = await openDatabaseMount()
    await under.mount.write('config/main', { allowed_roles: ['app', 'other-*'], password_policy: 'strong', verify_connection: 'false' })
    expect(await dataOf(under.mount, 'config/main')).toMatchObject({ allowed_roles: ['app', 'other-*'], password_policy: 'strong' })
    await under.mount.issue('creds/app')
  })

  test('is reset: what was open is closed, and the server is asked anew', async () => {
    await using under = await openDatabaseMount()
    await under.mount.issue('creds/app')
    const [before] = under.driver.opened
    await under.mount.write('reset/main', {})
    expect([under.driver.opened.size, under.driver.opened.has(before!)]).toEqual([1, false])
    under.driver.adminPassword = 'changed'
    await expect(under.mount.write('reset/main', {})).rejects.toThrow('28P01 password authentication failed')
    await expect(under.mount.write('reset/nothing', {})).rejects.toThrow(
      refusal('invalid_request', 'failed to find entry for connection with name: "nothing"')
    )
  })

  test.each([
    [{}, 'empty plugin name'],
    [{ plugin_name: 'oracle' }, 'error creating database object: plugin_name: unknown plugin, known are file-database-plugin'],
    [{ plugin_name: 'file' }, 'error creating database object: host: cannot be empty'],
    [
      { plugin_name: 'file', host: '/x.db', username_template: 'v-{{randm 20}}' },
      'error creating database object: invalid username template: character 5: unknown function "randm"'
    ],
    [
      { plugin_name: 'file', host: '/x.db', username_template: 'v-{{random 7}}' },
      'error creating database object: invalid username template: 41 bits of its names are random, and 47 are needed'
    ],
    [
      { plugin_name: 'file', host: '/x.db', username_template: '{{.RoleName}}-{{random 20}}' },
      'error creating database object: invalid username template: it makes names of up to 533 bytes, and the server takes 63'
    ],
    [{ plugin_name: 'file', plugin_version: '1.2.3' }, 'plugin_version: only the built-in version'],
    [{ plugin_name: 'file', host: '/x.db', root_rotation_statements: ['{{secret}}'] }, 'unknown placeholder {{secret}}']
  ])('%j is refused: %s', async (fields, message) => {
    await using under = await openDatabaseMount()
    await expect(under.mount.write('config/other', fields)).rejects.toThrow(refusal('invalid_request', message))
    expect(await under.mount.list('config')).toEqual({ keys: ['main'] })
  })

  test('a name that is no name is refused, and never found', async () => {
    await using under = await openDatabaseMount()
    for (const name of ['x"; DROP ROLE postgres; --', "a'b", '$$', '{{password}}', 'a'.repeat(300), '-a', '']) {
      await expect(under.mount.write(`config/${name}`, under.connection)).rejects.toMatchObject({ code: 'invalid_request' })
      await expect(under.mount.write(`roles/${name}`, { db_name: 'main' })).rejects.toMatchObject({ code: 'invalid_request' })
      expect(await under.mount.read(`config/${name}`)).toBeUndefined()
      expect(await under.mount.read(`roles/${name}`)).toBeUndefined()
      await expect(under.mount.read(`creds/${name}`)).rejects.toMatchObject({ code: 'unknown_role' })
    }
    await expect(under.mount.write('config/', under.connection)).rejects.toThrow('empty name attribute given')
    await expect(under.mount.write('roles/', {})).rejects.toThrow('empty role name attribute given')
  })

  test('what is missing at the server is told with the write, and stands in the check', async () => {
    await using under = await openDatabaseMount()
    under.driver.missing = ['pg_signal_backend: sessions stay open after a revocation']
    expect(await under.mount.write('config/main', {})).toEqual({ warnings: under.driver.missing })
    expect(await dataOf(under.mount, 'config/main')).toMatchObject({ check: { missing: under.driver.missing } })
  })

  test('from before the operator asked for verified TLS gives no new credential, and its leases are ended all the same', async () => {
    await using under = await openDatabaseMount()
    const lease = await under.mount.issue('creds/app')
    await under.mount.reopen({ targetTls: 'verified' })
    await expect(under.mount.read('creds/app')).rejects.toThrow(refusal('invalid_request', 'tls: verified TLS is required'))
    await expect(under.mount.write('config/main', {})).rejects.toThrow('error creating database object: tls: verified TLS is required')
    expect(await under.mount.revoke([lease])).toEqual([{ kind: 'gone' }])
    await under.mount.write('config/main', { tls: true })
    await under.mount.issue('creds/app')
  })

  test('of two writes at once one wins', async () => {
    await using under = await openDatabaseMount()
    const writes = await Promise.allSettled([1, 2].map(n => under.mount.write('config/main', { database: `db${n}` })))
    expect(writes.map(write => write.status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(writes.find(write => write.status === 'rejected')?.reason).toMatchObject({ code: 'conflict' })
  })
})

describe('the versions of a connection', () => {
  test('a lease is ended where it lives, wherever the connection points now', async () => {
    await using under = await openDatabaseMount()
    const lease = await under.mount.issue('creds/app')
    await under.mount.write('config/main', { host: under.server('second') })
    const moved = await under.mount.issue('creds/app')
    expect(moved.plan.target).not.toBe(lease.plan.target)
    expect(names(under.server('second'))).toEqual([moved.plan.name])
    expect(await under.mount.revoke([lease])).toEqual([{ kind: 'gone' }])
    expect(names(under.server('main'))).toEqual([])
    expect(names(under.server('second'))).toEqual([moved.plan.name])
  })

  test('a write that reaches the same keeps its target', async () => {
    await using under = await openDatabaseMount()
    const before = await under.mount.issue('creds/app')
    await under.mount.write('config/main', { ...under.connection, allowed_roles: '*' })
    expect((await under.mount.plan('creds/app')).plan.target).toBe(before.plan.target)
  })

  test('a target id never comes back, not even after a delete', async () => {
    await using under = await openDatabaseMount()
    const seen = new Set<string>()
    for (const host of ['second', 'main', 'second', 'main']) {
      await under.mount.write('config/main', { ...under.connection, host: under.server(host) })
      seen.add((await issueAndEnd(under.mount)).plan.target)
    }
    await under.mount.delete('config/main')
    await under.mount.write('config/main', under.connection)
    seen.add((await under.mount.plan('creds/app')).plan.target)
    expect(seen.size).toBe(5)
  })

  test('a new password of the account reaches every version that logs in with it, and no other', async () => {
    await using under = await openDatabaseMount()
    const oldest = await under.mount.issue('creds/app')
    await under.mount.write('config/main', { database: 'two' })
    const second = await under.mount.issue('creds/app')
    await under.mount.write('config/main', { host: under.server('elsewhere') })
    const elsewhere = await under.mount.issue('creds/app')
    await under.mount.write('config/main', { host: under.server('main'), database: 'two' })

    under.driver.adminPassword = 'second'
    await under.mount.write('config/main', { password: 'second' })
    expect(await under.mount.revoke([oldest])).toEqual([{ kind: 'gone' }])
    expect(await under.mount.revoke([second])).toEqual([{ kind: 'gone' }])
    await expect(under.mount.revoke([elsewhere])).rejects.toThrow('28P01')
  })

  test('a server with the old password is closed when its last call has ended', async () => {
    await using under = await openDatabaseMount()
    await issueAndEnd(under.mount)
    const [before] = under.driver.opened
    under.driver.adminPassword = 'second'
    await under.mount.write('config/main', { password: 'second' })
    await issueAndEnd(under.mount)
    expect(under.driver.opened.size).toBe(1)
    expect(under.driver.opened.has(before!)).toBe(false)
  })

  test('an old version goes with a later write, once no lease lives there', async () => {
    await using under = await openDatabaseMount()
    const lease = await under.mount.issue('creds/app')
    await under.mount.write('config/main', { database: 'two' })
    await under.mount.write('config/main', {})
    expect(await under.mount.rows.list('connection/main/')).toEqual(['1', '2'])
    await under.mount.revoke([lease])
    await under.mount.write('config/main', {})
    expect(await under.mount.rows.list('connection/main/')).toEqual(['2'])
    await expect(under.mount.perform(lease, { createBy: under.clock.now().add({ minutes: 1 }) })).rejects.toMatchObject({
      code: 'integrity'
    })
  })

  test('a lease that was planned before its version was superseded may still begin', async () => {
    await using under = await openDatabaseMount()
    const plan = await under.mount.read('creds/app')
    await under.mount.write('config/main', { database: 'two' })
    expect(plan).toHaveProperty('issue.target')
    if (plan && 'issue' in plan) expect(() => under.mount.rows.refuseRetired(plan.issue.target)).not.toThrow()
  })

  test('a connection with live leases is not deleted, and the refusal counts them', async () => {
    await using under = await openDatabaseMount()
    const leases = [await under.mount.issue('creds/app')]
    await under.mount.write('config/main', { database: 'two' })
    leases.push(await under.mount.issue('creds/app'))
    await expect(under.mount.delete('config/main')).rejects.toThrow(refusal('invalid_request', 'connection "main" has 2 live leases'))
    for (const lease of leases) await under.mount.revoke([lease])
    expect(await under.mount.delete('config/main')).toBeUndefined()
    expect(await under.mount.read('config/main')).toBeUndefined()
    expect(await under.mount.delete('config/main')).toBeUndefined()
  })

  test('a lease that would begin after the delete does not', async () => {
    await using under = await openDatabaseMount()
    const answer = await under.mount.read('creds/app')
    await under.mount.delete('config/main')
    if (!answer || !('issue' in answer)) throw new Error('no plan')
    expect(() => under.mount.rows.refuseRetired(answer.issue.target)).toThrow('retired')
  })
})

const statement = 'create user "{{name}}"; x'
const base64 = (text: string): string => Buffer.from(text).toString('base64')

describe('a role', () => {
  test('reads back as the wire wants it, however it was written', async () => {
    await using under = await openDatabaseMount()
    await under.mount.write('roles/plain', { db_name: 'main', creation_statements: 'create "{{name}}"; grant x, y', default_ttl: '90s' })
    expect(await dataOf(under.mount, 'roles/plain')).toEqual({
      db_name: 'main',
      creation_statements: ['create "{{name}}"; grant x, y'],
      revocation_statements: [],
      renew_statements: [],
      rollback_statements: [],
      default_ttl: 90,
      max_ttl: 0,
      credential_type: 'password'
    })
  })

  test('shows our own fields once written', async () => {
    await using under = await openDatabaseMount()
    const own = {
      member_of: ['app_ro'],
      connection_limit: 5,
      lease_outlives_token: true,
      accept_open_sessions: false,
      owned_objects: 'keep'
    }
    await under.mount.write('roles/own', { db_name: 'main', ...own, credential_config: 'password_policy=strong' })
    expect(await dataOf(under.mount, 'roles/own')).toMatchObject({ ...own, credential_config: { password_policy: 'strong' } })
  })

  test.each([
    ['an array', [statement, 'more'], [statement, 'more']],
    ['one string, commas and semicolons included', 'a, b; c', ['a, b; c']],
    ['a JSON array in a string', JSON.stringify([statement, 'more']), [statement, 'more']],
    ['base64 of a string', base64(statement), [statement]],
    ['base64 of a JSON array', base64(JSON.stringify([statement, 'more'])), [statement, 'more']],
    ['base64 without a placeholder, as it stands', base64('select 1 from somewhere'), [base64('select 1 from somewhere')]],
    ['what begins like JSON and is none', '[dbo].[x]', ['[dbo].[x]']],
    ['blank elements, dropped', ['', ' ', 'a'], ['a']]
  ])('takes statements as %s', async (_, sent, kept) => {
    await using under = await openDatabaseMount()
    await under.mount.write('roles/forms', { db_name: 'main', creation_statements: sent })
    expect(await dataOf(under.mount, 'roles/forms')).toMatchObject({ creation_statements: kept })
  })

  test.each([
    [{}, 'database name is required'],
    [{ db_name: 'main' }, 'empty creation statements'],
    [{ db_name: 'main', creation_statements: 'x {{nonsense}}' }, 'creation_statements: unknown placeholder {{nonsense}}'],
    [{ db_name: 'main', creation_statements: 'x', revocation_statements: 'x {{nonsense}}' }, 'revocation_statements: unknown placeholder'],
    [{ db_name: 'main', creation_statements: 'x\0' }, 'creation_statements: a statement contains NUL'],
    [{ db_name: 'main', member_of: 'a', credential_type: 'rsa_private_key' }, 'unsupported credential_type: "rsa_private_key"'],
    [{ db_name: 'main', member_of: 'a', credential_type: 'x' }, 'invalid credential_type "x"'],
    [{ db_name: 'main', member_of: 'a', credential_config: { bits: '1' } }, 'credential_config validation failed: unknown key "bits"'],
    [{ db_name: 'main', member_of: 'a', connection_limit: 0 }, 'connection_limit: at least 1'],
    [{ db_name: 'main', member_of: 'a', default_ttl: '-1s' }, 'Field validation failed: default_ttl']
  ])('%j is refused: %s', async (fields, message) => {
    await using under = await openDatabaseMount()
    await expect(under.mount.write('roles/other', fields)).rejects.toThrow(refusal('invalid_request', message))
    expect(await under.mount.read('roles/other')).toBeUndefined()
  })

  test('may come before its connection; then its statements are read with the first credential', async () => {
    await using under = await openDatabaseMount()
    await under.mount.write('roles/early', { db_name: 'later', creation_statements: 'x {{nonsense}}' })
    await expect(under.mount.read('creds/early')).rejects.toThrow('failed to find entry for connection with name: "later"')
    await under.mount.write('config/later', { ...under.connection, allowed_roles: '*' })
    await expect(under.mount.read('creds/early')).rejects.toThrow('unknown placeholder {{nonsense}}')
    await under.mount.write('roles/early', { creation_statements: 'x {{name}}' })
    await under.mount.issue('creds/early')
  })

  test('changed or deleted, it leaves live leases as they were made', async () => {
    await using under = await openDatabaseMount()
    await under.mount.write('roles/app', { revocation_statements: 'first {{name}}' })
    const leases = [await under.mount.issue('creds/app')]
    await under.mount.write('roles/app', { revocation_statements: 'second {{name}}', db_name: 'nowhere' })
    await under.mount.delete('roles/app')
    await expect(under.mount.read('creds/app')).rejects.toThrow(refusal('unknown_role', 'unknown role: app'))
    expect(await under.mount.revoke(leases)).toEqual([{ kind: 'gone' }])
    expect(under.driver.revoked.at(-1)?.statements).toEqual(['first {{name}}'])
    expect(await under.mount.delete('roles/app')).toBeUndefined()
  })
})

describe('a credential', () => {
  test('is refused in the order of the wire: role, connection, allowed roles', async () => {
    await using under = await openDatabaseMount()
    await expect(under.mount.read('creds/nobody')).rejects.toThrow(refusal('unknown_role', 'unknown role: nobody'))
    await under.mount.write('roles/app', { db_name: 'nowhere' })
    await expect(under.mount.read('creds/app')).rejects.toThrow('failed to find entry for connection with name: "nowhere"')
    await under.mount.write('roles/app', { db_name: 'main' })
    await under.mount.write('config/main', { allowed_roles: '' })
    await expect(under.mount.read('creds/app')).rejects.toThrow(refusal('permission_denied', '"app" is not an allowed role'))
    await expect(under.mount.write('creds/app', {})).rejects.toMatchObject({ code: 'unsupported_operation' })
  })

  test.each([
    ['*', 'app', true],
    ['app', 'app', true],
    ['app-*', 'app-ro', true],
    ['*-ro', 'app-ro', true],
    ['a*b*c', 'aXbYc', true],
    ['a*a', 'a', false],
    ['app', 'apple', false],
    ['app-*', 'app', false],
    ['x,app', 'app', true],
    ['a.p', 'app', false],
    ['A*', 'app', false],
    ['', 'app', false]
  ])('allowed_roles %j and role %s: %s', async (allowed_roles, role, allowed) => {
    await using under = await openDatabaseMount()
    await under.mount.write('config/main', { allowed_roles })
    await under.mount.write(`roles/${role}`, { db_name: 'main', creation_statements: 'x' })
    const asked = under.mount.read(`creds/${role}`)
    if (allowed) await expect(asked).resolves.toHaveProperty('issue')
    else await expect(asked).rejects.toMatchObject({ code: 'permission_denied' })
  })

  test('is planned with what role and connection say now', async () => {
    await using under = await openDatabaseMount()
    await under.mount.write('roles/app', {
      member_of: 'app_ro,app_rw',
      connection_limit: 1,
      renew_statements: 'r',
      lease_outlives_token: 'true'
    })
    const { plan } = await under.mount.plan('creds/app')
    expect(plan).toMatchObject({
      credential: 'user',
      role: 'app',
      roleVersion: 2,
      recipe: { creation: ['create "{{name}}"'], renew: ['r'], revocation: [], memberOf: ['app_ro', 'app_rw'], connectionLimit: 1 },
      handle: { v: 1, name: plan.name },
      visible: { username: plan.name },
      ttl: 3_600,
      maxTtl: 86_400,
      renewable: true,
      outlivesToken: true,
      guarantees: under.driver.guarantees
    })
    expect(plan.name).toMatch(/^v-token-app-[0-9A-Za-z]{20}-\d{10}$/)
    expect(plan.name.endsWith(`-${Math.floor(under.clock.now().epochMilliseconds / 1_000)}`)).toBe(true)
  })

  test('hostile display names end in a harmless name, and the login works', async () => {
    await using under = await openDatabaseMount()
    for (const displayName of ['x"; DROP ROLE postgres; --', "a'b", '$$', '{{password}}', 'ö'.repeat(300), '']) {
      const lease = await under.mount.issue('creds/app', { displayName })
      expect(lease.plan.name).toMatch(/^[A-Za-z0-9_-]{1,63}$/)
      expect(await under.login(lease.secret!.reveal())).toBeDefined()
    }
  })

  test('carries a mark of 64 characters at most, which no other name or server can use', async () => {
    await using under = await openDatabaseMount()
    const lease = await under.mount.issue('creds/app')
    const { mark } = under.driver.created.at(-1)!
    expect(mark).toMatch(/^mayfly:1:[A-Za-z0-9]{1,12}:[A-Za-z0-9]{24}:[A-Za-z0-9_-]{16}$/)
    expect(mark.length).toBeLessThanOrEqual(64)
    expect(mark).toContain(lease.lease.slice(-24))
    addUser(under.server('main'), { name: 'copied', mark, until: under.clock.now().add({ hours: 1 }) }, 'x')
    expect(await under.mount.found(lease)).toEqual([lease.plan.name])
    addUser(under.server('second'), { name: lease.plan.name, mark, until: under.clock.now().add({ hours: 1 }) }, 'x')
    await under.mount.write('config/main', { host: under.server('second') })
    expect(await under.mount.found(await under.mount.plan('creds/app'))).toEqual([])
  })

  test('its password is in the reply and nowhere in what is kept', async () => {
    await using under = await openDatabaseMount()
    const lease = await under.mount.issue('creds/app')
    const { password } = lease.secret!.reveal() as { password: string }
    expect(password).toMatch(/^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])(?=.*-)[A-Za-z0-9-]{20}$/)
    expect(readFileSync(under.server('main')).includes(password)).toBe(false)
    expect(JSON.stringify([lease.plan, lease.handle, under.driver.created])).not.toContain(password)
  })

  test('is made at a server that cannot end sessions only where the role accepts that', async () => {
    await using under = await openDatabaseMount()
    under.driver.guarantees = { ...under.driver.guarantees, endsSessions: false }
    await under.mount.write('config/main', {})
    await expect(under.mount.read('creds/app')).rejects.toThrow(refusal('invalid_request', 'connection "main" cannot end sessions'))
    await under.mount.write('roles/app', { accept_open_sessions: true })
    expect((await under.mount.plan('creds/app')).plan.guarantees.endsSessions).toBe(false)
  })

  test('of a connection that was not verified, the server is looked at once', async () => {
    await using under = await openDatabaseMount()
    await under.mount.write('config/main', { verify_connection: false })
    const before = under.driver.checks
    await issueAndEnd(under.mount)
    await issueAndEnd(under.mount)
    expect(under.driver.checks).toBe(before + 1)
  })

  test('a batch goes to the driver in one call, and each outcome to its lease', async () => {
    await using under = await openDatabaseMount()
    const leases = [await under.mount.issue('creds/app'), await under.mount.plan('creds/app'), await under.mount.issue('creds/app')]
    const outcomes = await under.mount.revoke(leases)
    expect(outcomes.map(outcome => outcome.kind)).toEqual(['gone', 'ended', 'gone'])
    expect(under.driver.revoked).toHaveLength(1)
    expect(under.driver.revoked[0]?.users.map(user => user.name)).toEqual(leases.map(lease => lease.plan.name))
    expect(under.driver.revoked[0]?.users.map(user => 'file' in user.handle)).toEqual([true, false, true])
  })
})

describe('a list', () => {
  test('is paged by after and limit, and bounded', async () => {
    await using under = await openDatabaseMount()
    for (const name of ['b', 'a', 'd', 'c']) await under.mount.write(`roles/${name}`, { db_name: 'main', member_of: 'g' })
    expect(await under.mount.list('roles')).toEqual({ keys: ['a', 'app', 'b', 'c', 'd'] })
    expect(await under.mount.list('roles', { limit: 2 })).toEqual({ keys: ['a', 'app'] })
    expect(await under.mount.list('roles', { limit: '2', after: 'app' })).toEqual({ keys: ['b', 'c'] })
    for (const limit of [-1, 1e9]) expect(await under.mount.list('roles', { limit })).toEqual({ keys: ['a', 'app', 'b', 'c', 'd'] })
    for (const limit of [0, -7]) await expect(under.mount.list('roles', { limit })).rejects.toMatchObject({ code: 'invalid_request' })
  })

  test('of more than a thousand is whole without a limit, and a thousand with any', async () => {
    await using under = await openDatabaseMount()
    const changes = under.mount.rows.begin()
    for (let i = 0; i < 2_500; i++) changes.put(`roles/many-${i}`, {})
    changes.commit()
    const all = await under.mount.list('roles')
    expect(all && 'keys' in all && new Set(all.keys).size).toBe(2_501)
    const bounded = await under.mount.list('roles', { limit: 1e9 })
    expect(bounded && 'keys' in bounded && bounded.keys.length).toBe(1_000)
  })
})

async function dataOf(mount: TestMount, path: string): Promise<JsonObject> {
  const answer = await mount.read(path)
  if (!answer || !('data' in answer)) throw new Error(`${path} answers no data`)
  return answer.data
}

async function issueAndEnd(mount: TestMount): Promise<TestLease> {
  const lease = await mount.issue('creds/app')
  await mount.revoke([lease])
  return lease
}

const names = (file: string): readonly string[] => usersOf(file).map(user => user.name)

/** What a caller gets: the code and the beginning of the message. */
function refusal(code: string, message: string): unknown {
  return expect.toSatisfy((error: unknown) => error instanceof BrokerError && error.code === code && error.message.includes(message))
}

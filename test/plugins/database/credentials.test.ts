import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { addUser } from '../../../plugins/memory/target.ts'
import { backendContract } from '../../contract/backend-contract.ts'
import { issueAndEnd, refusal } from './answers.ts'
import { openDatabaseMount } from './mount.ts'

backendContract('the database engine over files', openDatabaseMount)

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

  test('has the guarantees of the server as it is, looked at every five minutes', async () => {
    await using under = await openDatabaseMount()
    const endsSessions = async () => (await under.mount.plan('creds/app')).plan.guarantees.endsSessions
    await under.mount.write('roles/app', { accept_open_sessions: true })
    expect(await endsSessions()).toBe(true)
    const before = under.driver.checks
    under.driver.guarantees = { ...under.driver.guarantees, endsSessions: false }
    expect([await endsSessions(), under.driver.checks - before]).toEqual([true, 0])
    await under.clock.advance('PT5M')
    expect(await Promise.all([endsSessions(), endsSessions(), endsSessions()])).toEqual([false, false, false])
    expect(under.driver.checks - before).toBe(1)
  })

  test('has a fresh look taken after one that the server refused', async () => {
    await using under = await openDatabaseMount()
    await under.mount.plan('creds/app')
    const looks = async () => {
      const before = under.driver.checks
      await under.mount.plan('creds/app')
      return under.driver.checks - before
    }
    expect(await looks()).toBe(0)
    under.driver.creation = 'is refused'
    await expect(under.mount.issue('creds/app')).rejects.toMatchObject({ code: 'target_refused' })
    expect([await looks(), await looks()]).toEqual([1, 0])
  })

  test('is planned with what is known when the server does not answer a look, which is not repeated at once', async () => {
    await using under = await openDatabaseMount()
    under.driver.adminPassword = 'changed'
    expect((await under.mount.plan('creds/app')).plan.guarantees).toEqual(under.driver.guarantees)
    under.driver.adminPassword = 'first'
    const before = under.driver.checks
    await under.mount.plan('creds/app')
    expect(under.driver.checks).toBe(before)
    await under.clock.advance('PT30S')
    await under.mount.plan('creds/app')
    expect(under.driver.checks).toBe(before + 1)
  })

  test('waits two seconds for a look that hangs, once, and what the look brings late counts all the same', async () => {
    await using under = await openDatabaseMount()
    await under.mount.write('roles/app', { accept_open_sessions: true })
    const { promise, resolve } = Promise.withResolvers<void>()
    under.driver.checkHangs = promise
    under.driver.guarantees = { ...under.driver.guarantees, endsSessions: false }
    const planned = under.mount.plan('creds/app')
    await under.clock.advance('PT2S')
    expect((await planned).plan.guarantees.endsSessions).toBe(true)
    expect((await under.mount.plan('creds/app')).plan.guarantees.endsSessions).toBe(true)
    resolve()
    await under.clock.advance('PT1S')
    expect((await under.mount.plan('creds/app')).plan.guarantees.endsSessions).toBe(false)
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

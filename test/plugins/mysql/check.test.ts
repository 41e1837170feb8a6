/** What a connection says of itself: what its account lacks, and what a credential of it is worth. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { systemClock, systemRandom } from '../../../src/system-clock.ts'
import type { MysqlAccess } from '../../targets/mysql-access.ts'
import { canLogIn, hostsOf, issue, kinds, login, newUser, openDriver, revoke, revoked, sessionsOf, soon, why } from './kit.ts'
import { sharedMysql, sharedMysqls } from '../../targets/shared-mysql.ts'
import { startMysql } from '../../targets/test-mysql.ts'
import { localhostCertificate, localhostKey, testCa, anotherCa } from '../../targets/tls-fixture.ts'

describe.each(sharedMysqls)('%s', flavour => {
  let server: MysqlAccess
  const killRight = flavour === 'mariadb' ? 'connection admin' : 'connection_admin'
  const reads = flavour === 'mariadb' ? 'select, update on mysql.*' : 'select on mysql.user'

  beforeAll(async () => {
    server = await sharedMysql(flavour)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  /** An admin account with these rights, gone with the test. */
  async function admin(...grants: readonly string[]): Promise<Record<string, string>> {
    const username = `adm_${Buffer.from(systemRandom.bytes(4)).toString('hex')}`
    await server.query(`create user '${username}'@'%' identified by 'First-1'`)
    for (const grant of grants) await server.query(`grant ${grant} to '${username}'@'%'`)
    onTestFinished(async () => void (await server.query(`drop user '${username}'@'%'`)))
    return { username, password: 'First-1' }
  }

  test('an account with all rights lacks nothing, and its users die by themselves', async () => {
    const { missing, guarantees } = await openDriver(server).check(soon())
    expect(missing).toEqual([expect.stringContaining('tls=false')])
    expect(guarantees).toMatchObject({ revocable: 'at once', endsSessions: true, diesByItself: true, listable: true })
  })

  test('an account without rights is told each of them, and what it costs', async () => {
    const { missing, guarantees } = await openDriver(server, await admin()).check(soon())
    expect(missing.map(text => text.split(':')[0])).toEqual([
      'CREATE USER',
      flavour === 'mariadb' ? 'SELECT on mysql.*' : 'SELECT on mysql.user',
      'PROCESS',
      killRight.toUpperCase(),
      'EVENT on the schema mayfly',
      'tls=false'
    ])
    expect(guarantees).toMatchObject({ endsSessions: false, diesByItself: false })
  })

  test('without the right to kill a session that is open keeps its user from being gone', async () => {
    const database = openDriver(server, await admin('create user, process on *.*', reads, 'event on mayfly.*'))
    expect((await database.check(soon())).guarantees.endsSessions).toBe(false)
    const user = await issue(database, { memberOf: [], host: '%' })
    await server.query(`grant select on app.* to '${user.name}'@'%'`)
    const session = await login(server, user.name)
    const [outcome] = await revoke(database, [user.revoked])
    expect(why(outcome)).toMatch(/CONNECTION.ADMIN/)
    expect(await canLogIn(server, user.name)).toBe(false)
    expect(kinds(await revoke(openDriver(server), [user.revoked]))).toEqual(['gone'])
    await session.ended
  })

  test('where nobody sees sessions, none is said to be over, unless the role has taken that', async () => {
    const database = openDriver(server, await admin(`create user, process, ${killRight} on *.*`, reads, 'event on mayfly.*'))
    const user = await issue(database, { memberOf: [] })
    await server.query(`grant select on app.* to '${user.name}'@'%'`)
    const session = await login(server, user.name)
    const blind = openDriver(server, await admin(`create user, ${killRight} on *.*`, reads, 'event on mayfly.*'))
    const [outcome] = await revoke(blind, [user.revoked])
    expect(outcome?.kind).toBe('failed')
    expect(why(outcome)).toContain('PROCESS')
    expect(await sessionsOf(server, user.name)).toBe(1)
    const known = { statements: [], users: [user.revoked], acceptOpenSessions: true }
    expect(kinds(await blind.revokeUsers(known, soon()))).toEqual(['gone'])
    expect(kinds(await revoke(database, [user.revoked]))).toEqual(['gone'])
    await session.ended
  })

  test('without events MySQL marks its users all the same, and MariaDB makes none', async () => {
    const database = openDriver(server, await admin('create user, process on *.*', `${killRight} on *.*`, reads))
    const { missing, guarantees } = await database.check(soon())
    expect(missing.join()).toContain('EVENT on the schema mayfly')
    expect(guarantees).toMatchObject({ diesByItself: false, listable: flavour === 'mysql' })
    const user = newUser({ memberOf: [] })
    const made = database.createUser(user, soon())
    if (flavour === 'mariadb') {
      await expect(made).rejects.toThrow('EVENT')
      expect(await hostsOf(server, user.name)).toEqual([])
    } else {
      await made
      const found = (await Array.fromAsync(database.listUsers(soon()))).find(({ name }) => name === user.name)
      expect(found).toMatchObject({ mark: user.mark, enabled: true })
      expect(await revoke(database, [revoked(user, {}, { createBy: systemClock.now().subtract({ minutes: 5 }) })])).toEqual([
        { kind: 'gone' }
      ])
    }
  })

  test.skipIf(flavour === 'mariadb')('a user that was said to die by itself is not made without its event', async () => {
    const account = await admin('create user, process on *.*', `${killRight} on *.*`, reads, 'event on mayfly.*')
    const database = openDriver(server, account)
    expect((await database.check(soon())).guarantees.diesByItself).toBe(true)
    await server.query(`revoke event on mayfly.* from '${account['username']}'@'%'`)
    const user = newUser({ memberOf: [] })
    await expect(database.createUser(user, soon())).rejects.toThrow('EVENT')
    expect(await hostsOf(server, user.name)).toEqual([])
    expect((await database.check(soon())).guarantees.diesByItself).toBe(false)
    const told = await issue(database, { memberOf: [] })
    expect(await revoke(database, [told.revoked])).toEqual([{ kind: 'gone' }])
  })

  test('a user that was said to die by itself is not made while the scheduler is off', async () => {
    await using own = await startMysql(flavour)
    const database = openDriver(own)
    expect((await database.check(soon())).guarantees.diesByItself).toBe(true)
    await own.query('set global event_scheduler = off')
    const user = newUser()
    await expect(database.createUser(user, soon())).rejects.toThrow('event_scheduler is off')
    expect(await hostsOf(own, user.name)).toEqual([])
    expect((await database.check(soon())).guarantees.diesByItself).toBe(false)
    await issue(database)
    await own.query('set global event_scheduler = on')
    await database.check(soon())
    await issue(database)
  })

  test(
    'over verified TLS, for a name and for an address; not with a certificate of somebody else, and a server off its schedule says so',
    { timeout: 240_000 },
    async () => {
      await using own = await startMysql(
        flavour,
        { event_scheduler: 'OFF' },
        { 'cert.pem': localhostCertificate, 'key.pem': localhostKey, 'ca.pem': testCa }
      )
      const over = (fields: Record<string, string | boolean>) =>
        openDriver({ host: 'localhost', port: own.port, admin: own.admin }, { tls: 'true', tls_ca: testCa, ...fields }).check(soon())
      const { missing, guarantees } = await over({})
      expect(missing).toEqual([expect.stringContaining('event_scheduler is off')])
      expect(guarantees).toMatchObject({ diesByItself: false, endsSessions: true })
      await expect(over({ host: '127.0.0.1' })).rejects.toThrow(
        "is not accepted: Hostname/IP does not match certificate's altnames (tls_server_name:"
      )
      expect((await over({ host: '127.0.0.1', tls_server_name: 'localhost' })).guarantees.endsSessions).toBe(true)
      await expect(over({ tls_ca: anotherCa })).rejects.toThrow(/is not accepted: .*\(tls_ca: whom to trust/)
      await expect(over({ tls_server_name: 'other.example' })).rejects.toThrow('certificate is not accepted')
      expect((await over({ tls_ca: anotherCa, tls: 'skip-verify' })).missing.join()).toContain('skip-verify')
    }
  )
})

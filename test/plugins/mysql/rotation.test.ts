/** Passwords of the admin account and of static roles, at the driver and through the engine. */
import { Secret } from 'mayfly/plugin'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { database } from '../../../plugins/database/index.ts'
import { mysql } from '../../../plugins/mysql/index.ts'
import { systemClock, systemRandom } from '../../../src/system-clock.ts'
import { TestMount } from '../../contract/test-mount.ts'
import type { MysqlAccess } from '../../targets/mysql-access.ts'
import { canLogIn, issue, openDriver, revoke, soon } from './kit.ts'
import { sharedMysql, sharedMysqls } from '../../targets/shared-mysql.ts'

describe.each(sharedMysqls)('%s', flavour => {
  let server: MysqlAccess

  beforeAll(async () => {
    server = await sharedMysql(flavour)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  /** An account of somebody's, gone with the test. */
  async function account(name: string, hosts: readonly string[], grants: string, identified = "identified by 'First-1'"): Promise<string> {
    const own = `${name}_${Buffer.from(systemRandom.bytes(4)).toString('hex')}`
    for (const host of hosts) {
      await server.query(`create user '${own}'@'${host}' ${identified}`)
      await server.query(`grant ${grants} to '${own}'@'${host}'`)
      onTestFinished(async () => void (await server.query(`drop user '${own}'@'${host}'`)))
    }
    return own
  }

  test('a user gets another password on all its hosts, and the same again changes nothing', async () => {
    const driver = openDriver(server)
    const name = await account('fixed', ['127.0.0.1', '10.%'], 'select on app.*')
    expect(await driver.findUser(name, soon())).toEqual({})
    for (let times = 0; times < 2; times++) await driver.setPassword({ name, password: new Secret("Next'-2"), statements: [] }, soon())
    expect([await canLogIn(server, name, "Next'-2"), await canLogIn(server, name, 'First-1')]).toEqual([true, false])
    expect(await driver.mayLogIn({ name, password: new Secret("Next'-2") }, soon())).toBe(true)
    expect(await driver.mayLogIn({ name, password: new Secret('First-1') }, soon())).toBe(false)
  })

  test('statements of the operator get the password itself', async () => {
    const driver = openDriver(server)
    const name = await account('fixed', ['%'], 'select on app.*')
    await driver.setPassword(
      { name, password: new Secret('Next-2'), statements: ["alter user '{{name}}'@'%' identified by '{{password}}';"] },
      soon()
    )
    expect(await canLogIn(server, name, 'Next-2')).toBe(true)
  })

  test("nobody's and a lease's user are left alone", async () => {
    const driver = openDriver(server)
    const user = await issue(driver)
    const set = (name: string) => driver.setPassword({ name, password: new Secret('Next-2'), statements: [] }, soon())
    await expect(set('nobody_of_that_name')).rejects.toMatchObject({ code: 'target_refused' })
    await expect(set(user.name)).rejects.toThrow('there for more than a lease')
    expect(await driver.findUser(user.name, soon())).toEqual({ mark: user.mark })
    expect(await driver.findUser('nobody_of_that_name', soon())).toBeUndefined()
    expect(await canLogIn(server, user.name)).toBe(true)
    await revoke(driver, [user.revoked])
  })

  test.skipIf(flavour === 'mysql')('a user that logs in by another way than a hash of ours keeps it', async () => {
    const driver = openDriver(server)
    const name = await account('socket', ['%'], 'select on app.*', 'identified via unix_socket')
    expect(await driver.findUser(name, soon())).toMatchObject({ missing: expect.stringContaining('unix_socket') })
    await expect(driver.setPassword({ name, password: new Secret('Next-2'), statements: [] }, soon())).rejects.toMatchObject({
      code: 'target_refused'
    })
    // So it says of an account of a socket, and of a user that is not there by the way of such an account.
    expect(await driver.mayLogIn({ name, password: new Secret('Next-2') }, soon())).toBe(false)
  })

  test.skipIf(flavour === 'mariadb')('a user that logs in by sha256_password goes on doing so', async () => {
    const driver = openDriver(server)
    const name = await account('older', ['%'], 'select on app.*', "identified with sha256_password by 'First-1'")
    expect(await driver.findUser(name, soon())).toEqual({})
    await driver.setPassword({ name, password: new Secret('Next-2'), statements: [] }, soon())
    expect(await server.query('select plugin from mysql.user where User = ?', [name])).toEqual([{ plugin: 'sha256_password' }])
    expect(await driver.mayLogIn({ name, password: new Secret('Next-2') }, soon())).toBe(true)
    expect(await driver.mayLogIn({ name, password: new Secret('First-1') }, soon())).toBe(false)
  })

  test.skipIf(flavour === 'mariadb')('a user whose plugin the server has no more keeps it, and that is said', async () => {
    const driver = openDriver(server)
    const name = await account('ancient', ['%'], 'select on app.*')
    await server.query("update mysql.user set plugin = 'mysql_native_password', authentication_string = '' where User = ?", [name])
    await server.query('flush privileges')
    expect(await driver.findUser(name, soon())).toEqual({ missing: expect.stringContaining('mysql_native_password, which this server') })
    await expect(driver.setPassword({ name, password: new Secret('Next-2'), statements: [] }, soon())).rejects.toThrow('keeps its password')
    await server.query(`alter user '${name}'@'%' identified with caching_sha2_password by 'First-1'`)
    expect(await driver.findUser(name, soon())).toEqual({})
  })

  test.skipIf(flavour === 'mysql')('a user that logs in by a socket as well keeps both ways', async () => {
    const driver = openDriver(server)
    const name = await account(
      'both',
      ['%'],
      'select on app.*',
      "identified via mysql_native_password using password('First-1') or unix_socket"
    )
    expect(await driver.findUser(name, soon())).toMatchObject({ missing: expect.stringContaining('one_of_several') })
    await expect(driver.setPassword({ name, password: new Secret('Next-2'), statements: [] }, soon())).rejects.toThrow('keeps its password')
    expect(await canLogIn(server, name, 'First-1')).toBe(true)
  })

  async function mountOf(username: string): Promise<TestMount> {
    const mount = await TestMount.open(database, { clock: systemClock, random: systemRandom, databaseDrivers: [mysql] })
    onTestFinished(async () => mount[Symbol.asyncDispose]())
    await mount.write('config/app', {
      plugin_name: 'mysql-database-plugin',
      connection_url: `{{username}}:{{password}}@tcp(${server.host}:${server.port})/?tls=false`,
      username,
      password: 'First-1',
      allowed_roles: '*'
    })
    return mount
  }

  const adminRights =
    flavour === 'mariadb'
      ? 'create user, process, connection admin, select, update, event on *.*'
      : 'create user, process, connection_admin, role_admin, select, event on *.*'

  test('the admin account gets a password that nobody knows, and goes on working', async () => {
    const admin = await account('adm', ['%'], adminRights)
    await server.query(`grant app_ro to '${admin}'@'%' with admin option`)
    const mount = await mountOf(admin)
    await mount.write('roles/app', { db_name: 'app', member_of: 'app_ro' })
    const before = await mount.issue('creds/app')
    await mount.write('rotate-root/app', {})
    expect(await canLogIn(server, admin, 'First-1')).toBe(false)
    const after = await mount.issue('creds/app')
    expect(await mount.revoke([before, after])).toEqual([{ kind: 'gone' }, { kind: 'gone' }])
    await mount.reopen()
    const third = await mount.issue('creds/app')
    expect(await mount.revoke([third])).toEqual([{ kind: 'gone' }])
  })

  test('a change of the admin account that the server refuses ends, and one that it did by half counts', async () => {
    const admin = await account('adm', ['%'], adminRights)
    const mount = await mountOf(admin)
    const [change, refused] = [`alter user '{{username}}'@'%' identified by '{{password}}'`, 'shutdown']
    await mount.write('config/app', { root_rotation_statements: [refused, change] })
    await expect(mount.write('rotate-root/app', {})).rejects.toThrow('unable to rotate root credentials: the server refused: 1227')
    expect([await canLogIn(server, admin, 'First-1'), await mount.runTasks()]).toEqual([true, undefined])
    await mount.write('config/app', { root_rotation_statements: [change, refused] })
    await expect(mount.write('rotate-root/app', {})).rejects.toThrow(
      'not all of root_rotation_statements was done: the server refused: 1227'
    )
    expect(await canLogIn(server, admin, 'First-1')).toBe(false)
    await mount.write('config/app', { allowed_roles: '*' })
  })

  test('a static role logs in with what it serves, before and after a rotation', async () => {
    const admin = await account('adm', ['%'], adminRights)
    const name = await account('fixed', ['%'], 'select on app.*')
    const mount = await mountOf(admin)
    await mount.write('static-roles/fixed', { db_name: 'app', username: name, rotation_period: '1h' })
    const served = async () => ((await mount.read('static-creds/fixed')) as { data: { password: string } }).data.password
    const first = await served()
    expect([await canLogIn(server, name, first), await canLogIn(server, name, 'First-1')]).toEqual([true, false])
    await mount.write('rotate-role/fixed', {})
    const second = await served()
    expect(second).not.toBe(first)
    expect([await canLogIn(server, name, second), await canLogIn(server, name, first)]).toEqual([true, false])
    await expect(mount.write('static-roles/root', { db_name: 'app', username: admin, rotation_period: '1h' })).rejects.toThrow(
      'admin account'
    )
  })
})

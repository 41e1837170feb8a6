import { readFile } from 'node:fs/promises'
import { Secret } from 'mayfly/plugin'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../src/system-clock.ts'
import type { MysqlAccess } from '../../targets/mysql-access.ts'
import { canLogIn, eventOf, hostsOf, issue, login, newUser, openDriver, password, revoke, revoked, soon } from './kit.ts'
import { sharedMysql, sharedMysqls } from '../../targets/shared-mysql.ts'

describe.each(sharedMysqls)('%s', flavour => {
  let server: MysqlAccess
  const { promise: ready, resolve } = Promise.withResolvers<void>()

  beforeAll(async () => {
    server = await sharedMysql(flavour)
    resolve()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  async function issued(extra: Parameters<typeof issue>[1] = {}) {
    await ready
    const database = openDriver(server)
    const user = await issue(database, extra)
    onTestFinished(async () => void (await revoke(openDriver(server), [user.revoked]).catch(() => undefined)))
    return user
  }

  test('the role is on at login, and the limit of sessions holds', async () => {
    const user = await issued({ connectionLimit: 1 })
    const { query } = await login(server, user.name)
    expect((await query('select count(*) as n from app.customers'))[0]).toEqual([{ n: 3 }])
    await expect(query("insert into app.customers (name) values ('x')")).rejects.toMatchObject({ errno: 1142 })
    expect(await canLogIn(server, user.name)).toBe(false)
  })

  test.each([["an apostrophe, a quote, a backslash and a dollar: '\"\\$&$'`{{name}}"], ['-- ; drop user mayfly; /* #'], ['x'.repeat(100)]])(
    'a password of any characters logs in: %s',
    async text => {
      const user = await issued({ password: new Secret(text) })
      expect(await canLogIn(server, user.name, text)).toBe(true)
      expect(await canLogIn(server, user.name)).toBe(false)
    }
  )

  test('a template may make another host than the role names: all of them let in, and all of them end', async () => {
    const statements = [
      "create user '{{name}}'@'127.0.0.1' identified by '{{password}}'; create user '{{name}}'@'10.%' identified by '{{password}}'"
    ]
    const user = await issued({ memberOf: [], statements })
    expect(user.handle['hosts']).toEqual(expect.arrayContaining(['10.%', '127.0.0.1']))
    // The database of the login needs a right.
    await server.query(`grant select on app.* to '${user.name}'@'127.0.0.1'`)
    expect(await canLogIn(server, user.name)).toBe(true)
    expect(await revoke(openDriver(server), [user.revoked])).toEqual([{ kind: 'gone' }])
    expect(await hostsOf(server, user.name)).toEqual([])
  })

  test('placeholders in every kind of quotes and in none; those in comments stay', async () => {
    const statements = [
      'create user {{name}} identified by {{password}} -- {{nothing}}',
      'grant app_ro to `{{username}}`@`%` /* {{nothing}} */; # {{nothing}}',
      `set default role app_ro ${flavour === 'mariadb' ? 'for' : 'to'} "{{name}}"@'%'`
    ]
    const user = await issued({ memberOf: [], statements })
    const { query } = await login(server, user.name)
    expect((await query('select count(*) as n from app.orders'))[0]).toEqual([{ n: 3 }])
  })

  test('the password that a template gets is none that anybody knows', async () => {
    const user = await issued({ memberOf: [], statements: ["create user '{{name}}'@'%' identified by '{{password}}'"] })
    expect(await readFile(server.logFile, 'utf8')).not.toContain(password)
    expect(await hostsOf(server, user.name)).toEqual(['%'])
  })

  test.skipIf(flavour === 'mariadb')('a template that names a plugin gets a user that logs in by it', async () => {
    const statements = ["create user '{{name}}'@'%' identified with sha256_password by '{{password}}'; grant app_ro to '{{name}}'@'%'"]
    const user = await issued({ memberOf: [], statements })
    expect(await server.query('select plugin from mysql.user where User = ?', [user.name])).toEqual([{ plugin: 'sha256_password' }])
    expect(await openDriver(server).mayLogIn(user, soon())).toBe(true)
  })

  test('a right that the account does not have to hand out is told as that, whatever the account is called', async () => {
    const database = openDriver(server)
    const statements = ["create user '{{name}}'@'%' identified by '{{password}}'", "grant select on app.* to '{{name}}'@'%'"]
    const user = newUser({ memberOf: [], statements: [statements.join('; ')] })
    expect(server.admin.user).toBe('mayfly')
    await expect(database.createUser(user, soon())).rejects.toThrow("1044 Access denied for user 'mayfly'@'%' to database 'app'")
    await revoke(database, [revoked(user, {}, { createBy: systemClock.now().subtract({ minutes: 5 }) })])
  })

  test('a template that makes nobody makes no credential', async () => {
    const database = openDriver(server)
    const user = newUser({ memberOf: [], statements: ['do 1'] })
    await expect(database.createUser(user, soon())).rejects.toThrow('left no user of that name')
    expect(await revoke(database, [revoked(user, {}, { createBy: systemClock.now().subtract({ minutes: 5 }) })])).toEqual([
      { kind: 'gone' }
    ])
    expect(await eventOf(server, user.name)).toBeUndefined()
  })

  test('after its deadline nothing is made, by the clock of the server', async () => {
    const database = openDriver(server)
    const user = newUser({ createBy: systemClock.now().subtract({ seconds: 5 }) })
    await expect(database.createUser(user, soon())).rejects.toMatchObject({
      code: 'target_refused',
      message: expect.stringContaining('deadline')
    })
    expect([await hostsOf(server, user.name), await eventOf(server, user.name)]).toEqual([[], undefined])
  })

  test('whose end would be over already is not made: the server would keep no event for it', async () => {
    const database = openDriver(server)
    const user = newUser({ until: systemClock.now().subtract({ seconds: 6 }) })
    await expect(database.createUser(user, soon())).rejects.toThrow('deadline')
    expect([await hostsOf(server, user.name), await eventOf(server, user.name)]).toEqual([[], undefined])
  })

  test('a name that is taken is never adopted', async () => {
    const database = openDriver(server)
    const user = newUser()
    await server.query(`create user '${user.name}'@'10.%' identified by 'Theirs-1'`)
    await expect(database.createUser(user, soon())).rejects.toThrow('the name is taken')
    expect([await hostsOf(server, user.name), await eventOf(server, user.name)]).toEqual([['10.%'], undefined])
    await server.query(`drop user '${user.name}'@'10.%'`)
  })

  test('a role that the account may not hand out makes no user', async () => {
    const database = openDriver(server)
    const user = newUser({ memberOf: ['no_such_role'] })
    await expect(database.createUser(user, soon())).rejects.toMatchObject({ code: 'target_refused' })
    const late = { createBy: systemClock.now().subtract({ minutes: 5 }) }
    expect(await revoke(database, [revoked(user, {}, late)])).toEqual([{ kind: 'gone' }])
    expect(await eventOf(server, user.name)).toBeUndefined()
  })

  test('the server itself ends the user and its sessions when its time is over', async () => {
    const user = await issued({ until: systemClock.now() })
    const session = await login(server, user.name)
    await session.ended
    await expect.poll(() => hostsOf(server, user.name)).toEqual([])
    expect(await canLogIn(server, user.name)).toBe(false)
  })
})

import type { CreateUser, EffectiveRights } from 'mayfly/plugin'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { parseGrant } from '../../../plugins/mysql/rights/parse-grant.ts'
import type { MysqlAccess } from '../../targets/mysql-access.ts'
import { issue, newUser, openDriver, revoke, soon } from './kit.ts'
import { sharedMysql, sharedMysqls } from '../../targets/shared-mysql.ts'

const objectsMax = 200

describe.each(sharedMysqls)('%s', flavour => {
  let server: MysqlAccess

  beforeAll(async () => {
    server = await sharedMysql(flavour)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  async function rightsOf(extra: Partial<CreateUser>, grants: readonly string[] = []): Promise<EffectiveRights> {
    const database = openDriver(server)
    const user = await issue(database, extra)
    onTestFinished(async () => void (await revoke(database, [user.revoked])))
    for (const grant of grants) await server.query(grant.replaceAll('ME', `'${user.name}'@'%'`))
    return await database.effectiveRights!({ name: user.name, password: user.password, objectsMax }, soon())
  }

  test('the rights of a user of a role are those of the role, which is on when it logs in', async () => {
    expect(await rightsOf({ memberOf: ['app_ro'] })).toEqual({
      attributes: [],
      memberOf: ['app_ro'],
      objects: [{ on: 'schema app', may: ['SELECT'] }],
      more: 0,
      concerns: []
    })
  })

  test('a user who may do nothing is a concern, and so is a role that is not on', async () => {
    expect((await rightsOf({ memberOf: [] })).concerns).toEqual(['no right on anything'])
    const { concerns, memberOf } = await rightsOf({ memberOf: [] }, ['grant app_ro to ME'])
    expect(memberOf).toEqual([])
    expect(concerns).toEqual(['granted and not on when it logs in: app_ro (set default role)', 'no right on anything'])
  })

  test('rights on objects granted to the user itself are told', async () => {
    const rights = await rightsOf({ memberOf: ['app_ro'] }, [
      'grant select, insert on app.customers to ME',
      'grant update (name) on app.customers to ME'
    ])
    expect(rights.objects).toEqual([
      { on: 'schema app', may: ['SELECT'] },
      { on: 'table app.customers', may: expect.arrayContaining(['SELECT', 'INSERT', 'UPDATE (some columns)']) }
    ])
    expect(rights.concerns).toEqual([expect.stringMatching(/^rights on one object are granted to the user itself/)])
  })

  test('more power than a lease should give is told', async () => {
    const rights = await rightsOf({ memberOf: [] }, [
      'grant process on *.* to ME',
      'grant create view, select on app.* to ME with grant option'
    ])
    expect(rights.concerns).toEqual([
      'PROCESS on everything: more power than a lease should give',
      expect.stringMatching(/^GRANT OPTION: /),
      expect.stringMatching(/^it may make views/),
      expect.stringMatching(/^rights on 2 objects/)
    ])
  })

  test('no more objects are named than asked for, and the rest is counted', async () => {
    const database = openDriver(server)
    const user = await issue(database)
    onTestFinished(async () => void (await revoke(database, [user.revoked])))
    expect(await database.effectiveRights!({ name: user.name, password: user.password, objectsMax: 0 }, soon())).toMatchObject({
      objects: [],
      more: 1
    })
  })

  test('of nobody there are no rights to tell', async () => {
    await expect(openDriver(server).effectiveRights!({ ...newUser(), objectsMax }, soon())).rejects.toMatchObject({
      code: 'target_refused'
    })
  })
})

test.each([
  ["GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*00'", { kind: 'rights', may: ['USAGE'], on: 'everything', grantable: false }],
  [
    'GRANT SELECT, INSERT (`a`, `b, c`) ON `a``p.p`.`t` TO `u`@`%` WITH GRANT OPTION',
    { kind: 'rights', may: ['SELECT', 'INSERT (some columns)'], on: 'table a`p.p.t', grantable: true }
  ],
  ['GRANT EXECUTE ON PROCEDURE `app`.`p` TO `u`@`%`', { kind: 'rights', may: ['EXECUTE'], on: 'procedure app.p', grantable: false }],
  ['GRANT `a,b`@`%`,`c`@`%` TO `u`@`%` WITH ADMIN OPTION', { kind: 'roles', roles: ['a,b', 'c'], admin: true }],
  ['GRANT `app_ro` TO `u`@`%`', { kind: 'roles', roles: ['app_ro'], admin: false }],
  ['SET DEFAULT ROLE `app_ro` FOR `u`@`%`', undefined]
])('reads %s', (line, grant) => {
  expect(parseGrant(line)).toEqual(grant)
})

import { expect, onTestFinished, test } from 'vitest'
import { postgresql } from '../../../plugins/postgresql/index.ts'
import type { CreateUser, EffectiveRights } from '../../../src/contracts/index.ts'
import { issue, newUser, openDriver, postgres, revoke, roleNamed, soon, why } from './kit.ts'

const objectsMax = 200
const db = openDriver

async function rightsOf(extra: Partial<CreateUser>): Promise<EffectiveRights> {
  const database = openDriver()
  const user = await issue(database, extra)
  const { owned } = extra
  const rights = await database.effectiveRights!({ name: user.name, password: user.password, objectsMax, ...(owned && { owned }) }, soon())
  await revoke(database, [user.revoked])
  return rights
}

/** As the administrator, undone with the test. */
async function prepared(make: string, undo: string): Promise<void> {
  const admin = { user: postgres.superuser, password: postgres.password, database: 'app' }
  const run = async (sql: string) => {
    const client = await postgres.connect(admin)
    await client.query(sql).finally(() => client.end())
  }
  await run(make)
  onTestFinished(() => run(undo))
}

test('the rights of a user of a group are those of the group, by name', async () => {
  const rights = await rightsOf({ memberOf: ['app_ro'] })
  expect(rights).toMatchObject({ attributes: [], memberOf: ['app_ro'], more: 0, concerns: [] })
  expect(rights.objects).toContainEqual({ on: 'table public.orders', may: ['SELECT'] })
  expect(rights.objects).toContainEqual({ on: 'schema public', may: ['USAGE'] })
  expect(rights.objects.find(({ on }) => on === 'database app')?.may).toContain('CONNECT')
})

test('a user who may do nothing is a concern', async () => {
  expect((await rightsOf({ memberOf: [] })).concerns).toEqual(['no right on any table, view or sequence of the database app'])
})

test('rights on objects granted to the user itself are told with how far they go', async () => {
  await prepared('grant select on customers to mayfly with grant option', 'revoke all on customers from mayfly')
  const statements = ['create role "{{name}}" login password \'{{password}}\'; grant select on public.customers to "{{name}}"']
  const rights = await rightsOf({ statements, memberOf: [] })
  expect(rights.objects).toContainEqual({ on: 'table public.customers', may: ['SELECT'] })
  expect(rights.concerns).toEqual([
    expect.stringMatching(/^rights on one object are granted to the user itself: .* 2440 users .* \d+ entries now/)
  ])
})

test('more power than a lease should give is told, attribute by attribute', async () => {
  await prepared('alter role mayfly createdb', 'alter role mayfly nocreatedb')
  const statements = ['create role "{{name}}" createdb createrole password \'{{password}}\'']
  const rights = await rightsOf({ statements, memberOf: ['app_ro'] })
  expect(rights.attributes).toEqual(['CREATEROLE', 'CREATEDB'])
  expect(rights.concerns).toEqual([expect.stringMatching(/^CREATEROLE: /), expect.stringMatching(/^CREATEDB: /)])
})

test('a role that the user may become is told with the power that it has', async () => {
  await prepared('create role boss superuser bypassrls; grant boss to app_ro', 'drop role boss')
  const statements = ['create role "{{name}}" password \'{{password}}\'; grant app_ro to "{{name}}"']
  expect((await rightsOf({ statements, memberOf: [] })).concerns).toEqual([
    'it may become boss (SUPERUSER, BYPASSRLS): more power than a lease should give'
  ])
})

test('a place to make objects is a concern unless the role says what becomes of them', async () => {
  await prepared('create schema sandbox; grant create, usage on schema sandbox to app_rw', 'drop schema sandbox')
  const { concerns } = await rightsOf({ memberOf: ['app_rw'] })
  expect(concerns).toEqual([expect.stringContaining('it may make objects in the schema sandbox')])
  expect((await rightsOf({ memberOf: ['app_rw'], owned: { policy: 'drop' } })).concerns).toEqual([])
})

test('rights behind a schema that the user may not enter are told as out of reach', async () => {
  await prepared(
    'create schema closed; create table closed.door (n int); grant select on closed.door to app_ro',
    'drop schema closed cascade'
  )
  const rights = await rightsOf({ memberOf: ['app_ro'] })
  expect(rights.objects.map(({ on }) => on)).not.toContain('table closed.door')
  expect(rights.concerns).toEqual(['rights on objects in the schema closed without USAGE on it: it does not reach them'])
})

test('no more objects are named than asked for, and the rest is counted', async () => {
  const database = openDriver()
  const user = await issue(database)
  const rights = await database.effectiveRights!({ name: user.name, password: user.password, objectsMax: 1 }, soon())
  expect([rights.objects.length, rights.more]).toEqual([1, 3])
  await revoke(database, [user.revoked])
})

test('a hostile name of a table is shown without its control characters', async () => {
  await prepared('create table "a\u001b[31m\n" (n int); grant select on "a\u001b[31m\n" to app_ro', 'drop table "a\u001b[31m\n"')
  expect((await rightsOf({})).objects.map(({ on }) => on)).toContain('table public.a?[31m?')
})

test('of nobody there are no rights to tell', async () => {
  await expect(openDriver().effectiveRights!({ ...newUser({ name: "nobody' or 1=1 --" }), objectsMax }, soon())).rejects.toMatchObject({
    code: 'target_refused',
    message: 'the server has no user of that name'
  })
})

test('a rehearsal tells the same rights, and leaves no user, not even for a moment', async () => {
  const [database, user] = [openDriver(), newUser()]
  const rights = await database.rehearseUser!({ ...user, objectsMax }, soon())
  expect(rights).toMatchObject({ memberOf: ['app_ro'], concerns: [] })
  expect(rights.objects).toContainEqual({ on: 'table public.orders', may: ['SELECT'] })
  expect(await roleNamed(user.name)).toBeUndefined()
  // Its session goes on as it was.
  expect((await database.rehearseUser!({ ...newUser(), objectsMax }, soon())).memberOf).toEqual(['app_ro'])
})

test('a rehearsal of what fails says what the first credential would, and leaves nothing either', async () => {
  const user = newUser({ statements: ['create role "{{name}}"; grant nowhere to "{{name}}"'], memberOf: [] })
  await expect(db().rehearseUser!({ ...user, objectsMax }, soon())).rejects.toMatchObject({
    code: 'target_refused',
    message: 'the server refused: 42704 role "nowhere" does not exist'
  })
  expect(await roleNamed(user.name)).toBeUndefined()
})

test('a rehearsal that nobody answers any more was never anything', async () => {
  const user = newUser({ statements: ['create role "{{name}}"; select pg_sleep(20)'], memberOf: [] })
  await expect(db().rehearseUser!({ ...user, objectsMax }, AbortSignal.timeout(500))).rejects.toMatchObject({ code: 'target_unreachable' })
  expect(await roleNamed(user.name)).toBeUndefined()
})

test.each([
  ['create schema "{{name}}"', 'CREATE SCHEMA'],
  ['create or replace function f() returns int language sql as $$ select 1 $$', 'CREATE OR'],
  ['alter database app set work_mem = 1', 'ALTER DATABASE']
])('%s stays when the user ends, and the warning says so', (statement, made) => {
  expect(postgresql.statements('creation', ['create role "{{name}}"', statement]).warnings).toEqual([
    `creation_statements: what ${made} does stays when the user ends, unless revocation_statements undo it`
  ])
})

test.each(['alter user "{{name}}" set work_mem = 1', 'alter default privileges grant select on tables to "{{name}}"'])(
  '%s goes with the user',
  statement => {
    const { warnings } = postgresql.statements('creation', ['create role "{{name}}"', statement])
    expect(warnings.filter(text => text.includes('stays'))).toEqual([])
  }
)

test('what the user owns from its start is a concern, and the revocation says where it is', async () => {
  await prepared('grant create on database app to mayfly with grant option', 'revoke create on database app from mayfly')
  const statements = ['create role "{{name}}"; grant "{{name}}" to current_user; create schema "{{name}}" authorization "{{name}}"']
  const database = openDriver()
  const user = await issue(database, { statements, memberOf: [] })
  onTestFinished(
    async () => void (await database.revokeUsers({ statements: [], users: [user.revoked], owned: { policy: 'drop' } }, soon()))
  )
  const { concerns } = await database.effectiveRights!({ ...user, objectsMax }, soon())
  expect(concerns).toContain('it owns an object from its start, and with that cannot be dropped: set owned_objects')
  expect(why((await revoke(database, [user.revoked]))[0])).toContain('it owns objects in the database "app"')
})

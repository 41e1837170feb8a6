/** Who may make objects in a database plants operators there that fit better than the server's own. None of them may ever run as the admin account. */
import { Secret } from 'mayfly/plugin'
import { expect, onTestFinished, test } from 'vitest'
import { issue, newUser, openDriver, password, postgres, revoke, soon } from './kit.ts'

const asSuper = (database: string) => ({ user: postgres.superuser, password: postgres.password, database })

/** A database in which members of `app_rw` may make objects, as everybody could in `public` before PostgreSQL 15. */
async function openHouse(): Promise<string> {
  const own = `planted_${newUser().name.slice(-12)}`
  await postgres.query(`create database ${own} template app_template owner app_owner`)
  onTestFinished(async () => void (await postgres.query(`drop database ${own} with (force)`)))
  await postgres.query(
    'grant create on schema public to app_rw; create table ran (as_whom text); grant insert on ran to public',
    [],
    asSuper(own)
  )
  return own
}

const operators = [
  ...['oid', 'regclass', 'int4', 'int8'].flatMap(right => [`= oid ${right}`, `<> oid ${right}`]),
  ...['name', 'text', 'varchar'].flatMap(left =>
    ['name', 'text', 'varchar'].flatMap(right => [`= ${left} ${right}`, `> ${left} ${right}`])
  ),
  ...['numeric', 'float8'].flatMap(left => ['int4', 'numeric', 'float8'].map(right => `* ${left} ${right}`)),
  '<= timestamptz timestamptz',
  '= "char" text',
  '~~ text text',
  '~~ name text'
]

async function plant(database: string, user: { readonly name: string }): Promise<void> {
  const client = await postgres.connect({ user: user.name, password, database })
  for (const [at, operator] of operators.entries()) {
    const [sign, left, right] = operator.split(' ')
    await client.query(`create function public.f${at}(${left}, ${right}) returns ${sign === '*' ? 'numeric' : 'boolean'} language plpgsql as
        $$ begin insert into public.ran values (current_user); return null; end $$;
      create operator public.${sign} (leftarg = ${left}, rightarg = ${right}, function = public.f${at})`)
  }
  await client.end()
}

const ranIn = (database: string) => postgres.query('select distinct as_whom from ran', [], asSuper(database))

test.each(['drop', 'keep'] as const)('operators that a user planted in two databases never run as the admin account (%s)', async policy => {
  const [here, there] = [await openHouse(), await openHouse()]
  const planter = await issue(openDriver({ database: here }), { memberOf: ['app_rw'] })
  for (const each of [here, there]) await plant(each, planter)
  // An owner of the database can put them before the server's own.
  await postgres.query(`alter database ${there} set search_path = public, pg_catalog`)
  const database = openDriver({ database: here })
  await database.check(soon())
  await database.now(soon())
  const user = await issue(database)
  await database.renewUser({ name: user.name, handle: user.revoked.handle, statements: [], until: user.until }, soon())
  for await (const _ of database.listUsers(soon())) break
  await database.findUser(postgres.admin.user, soon())
  expect(await revoke(database, [user.revoked])).toEqual([{ kind: 'gone' }])
  const [end] = await database.revokeUsers({ statements: [], users: [planter.revoked], owned: { policy } }, soon())
  expect(end?.kind).toBe(policy === 'drop' ? 'gone' : 'ended')
  expect([await ranIn(here), await ranIn(there)]).toEqual([[], []])
  if (policy === 'keep') for (const each of [here, there]) await postgres.query(`drop owned by "${planter.name}"`, [], asSuper(each))
  await database.revokeUsers({ statements: [], users: [planter.revoked], owned: { policy } }, soon())
})

test('the statements of an operator find what a session of the account finds, and leave nothing of theirs behind', async () => {
  const here = await openHouse()
  await postgres.query('grant insert on ran to mayfly with grant option', [], asSuper(here))
  const database = openDriver({ database: here, max_open_connections: 1 })
  const statements = [
    `create role "{{name}}" password '{{password}}'; grant insert on ran to "{{name}}"; select set_config('search_path', 'public', false)`
  ]
  const user = await issue(database, { statements, memberOf: [], password: new Secret(password) })
  const renewing = { name: user.name, handle: user.revoked.handle, until: user.until }
  await database.renewUser({ ...renewing, statements: ['grant insert on ran to "{{name}}"'] }, soon())
  const [end] = await revoke(database, [user.revoked], ['revoke insert on ran from "{{name}}"; set search_path = public'])
  expect(end).toEqual({ kind: 'gone' })
})

/** What becomes of the objects that a user owns when it is revoked, in every database of the server. */
import type { OwnedObjects, RevokedUser, RevokeOutcome } from 'mayfly/plugin'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { canLogIn, issue, kinds, newUser, openDriver, password, postgres, roleNamed, sessionsOf, soon, why } from './kit.ts'

const gone = { kind: 'gone' }
const heir = `heir_${newUser().name.slice(-12)}`
const toHeir: OwnedObjects = { policy: 'reassign', to: heir }

// Since 16 functions, schemas and large objects are given only to a role that one may become; and who gets them must be allowed to make them.
beforeAll(async () => void (await postgres.query(`create role ${heir}; grant ${heir} to mayfly with inherit true, set true`)))
afterAll(async () => void (await postgres.query(`drop role ${heir}`)))

function asSuper(database: string) {
  return { user: postgres.superuser, password: postgres.password, database }
}

/** A database in which members of `app_rw` may make objects. */
async function databaseForAll(name?: string): Promise<string> {
  const own = name ?? `owned_${newUser().name.slice(-12)}`
  const quoted = `"${own.replaceAll('"', '""')}"`
  await postgres.query(`create database ${quoted} template app_template owner app_owner`)
  onTestFinished(async () => {
    await postgres.query(`alter database ${quoted} owner to app_owner`)
    await postgres.query(`drop database ${quoted} with (force)`)
  })
  await postgres.query(`grant create on schema public to app_rw, ${heir}`, [], asSuper(own))
  return own
}

async function asUser(user: { readonly name: string }, database: string, sql: string): Promise<void> {
  const client = await postgres.connect({ user: user.name, password, database })
  await client.query(sql)
  await client.end()
}

const things = `create table mine (i int primary key, s serial); insert into mine values (1), (2);
  create view seen as select i from mine; create function two() returns int language sql as 'select 2'; create type pair as (a int, b int);
  alter default privileges grant select on tables to app_ro; select lo_create(0); grant select on mine to app_ro`

type Driver = ReturnType<typeof openDriver>

async function end(
  database: Driver,
  owned: OwnedObjects | undefined,
  users: readonly { readonly revoked: RevokedUser }[]
): Promise<readonly RevokeOutcome[]> {
  return await database.revokeUsers({ statements: [], users: users.map(user => user.revoked), ...(owned && { owned }) }, soon())
}

async function ownerOf(database: string, table = 'mine'): Promise<unknown> {
  return (
    await postgres.query(`select relowner::regrole::text as owner from pg_class where relname = $1`, [table], asSuper(database))
  )[0]?.['owner']
}

async function isDisabled(user: { readonly name: string; readonly oid: number }): Promise<boolean> {
  return !(await canLogIn(user.name)) && (await sessionsOf(user.oid)) === 0 && (await roleNamed(user.name))?.['enabled'] === false
}

test('reassigned: in three databases everything has another owner, nothing is lost, and the user is gone', async () => {
  const [one, two, three] = [await databaseForAll(), await databaseForAll(), await databaseForAll()]
  const database = openDriver({ database: one })
  const user = await issue(database, { memberOf: ['app_rw'], owned: toHeir })
  for (const each of [one, two, three]) await asUser(user, each, things)
  expect(await end(database, toHeir, [user])).toEqual([gone])
  expect(await roleNamed(user.name)).toBeUndefined()
  for (const each of [one, two, three]) {
    expect(await ownerOf(each)).toBe(heir)
    expect(await postgres.query('select i, two() from mine join seen using (i) order by 1', [], asSuper(each))).toEqual([
      { i: 1, two: 2 },
      { i: 2, two: 2 }
    ])
    expect(await postgres.query('select count(*)::int as large from pg_largeobject_metadata', [], asSuper(each))).toEqual([{ large: 1 }])
    // What it had granted itself goes on.
    expect(await postgres.query(`select has_table_privilege('app_ro', 'mine', 'select') as may`, [], asSuper(each))).toEqual([
      { may: true }
    ])
  }
})

test('dropped: what the user owned is gone in every database, and nothing else', async () => {
  const [one, two] = [await databaseForAll(), await databaseForAll()]
  const database = openDriver({ database: one })
  const [user, other] = [await issue(database, { memberOf: ['app_rw'] }), await issue(database, { memberOf: ['app_rw'] })]
  for (const each of [one, two]) {
    await asUser(user, each, things)
    await asUser(other, each, 'create table theirs (i int)')
  }
  expect(await end(database, { policy: 'drop' }, [user])).toEqual([gone])
  for (const each of [one, two]) {
    expect(await ownerOf(each)).toBeUndefined()
    expect(await ownerOf(each, 'theirs')).toBe(`"${other.name}"`)
    expect(await ownerOf(each, 'customers')).toBe('app_owner')
    expect(await postgres.query('select count(*)::int as orders from orders', [], asSuper(each))).toEqual([{ orders: 3 }])
  }
  expect(await end(database, { policy: 'drop' }, [other])).toEqual([gone])
})

test('dropped: what somebody else built on it keeps it, and says so', async () => {
  const one = await databaseForAll()
  const database = openDriver({ database: one })
  const user = await issue(database, { memberOf: ['app_rw'] })
  await asUser(user, one, 'create table mine (i int)')
  await postgres.query('create view theirs as select * from mine', [], asSuper(one))
  const [outcome] = await end(database, { policy: 'drop' }, [user])
  expect(why(outcome)).toBe(
    `what it owns in the database "${one}" is not dropped yet: the server refused: 2BP01 cannot drop table public.mine because other objects depend on it`
  )
  expect(await isDisabled(user)).toBe(true)
  expect(await ownerOf(one)).toBe(`"${user.name}"`)
  await postgres.query('drop view theirs', [], asSuper(one))
  expect(await end(database, { policy: 'drop' }, [user])).toEqual([gone])
})

test('kept, which is the default: nothing is touched in any database, and the user waits, disabled', async () => {
  const [one, two] = [await databaseForAll(), await databaseForAll()]
  const database = openDriver({ database: one })
  const user = await issue(database, { memberOf: ['app_rw'] })
  await asUser(user, two, things)
  await postgres.query(`grant select on orders to "${user.name}"`, [], asSuper(one))
  for (const owned of [undefined, { policy: 'keep' } as const]) {
    const [outcome] = await end(database, owned, [user])
    expect(why(outcome)).toBe(`it owns objects in the database "${two}": reassign or drop them`)
  }
  expect(await isDisabled(user)).toBe(true)
  expect(await ownerOf(two)).toBe(`"${user.name}"`)
  expect(await postgres.query('select count(*)::int as rows from mine', [], asSuper(two))).toEqual([{ rows: 2 }])
  expect(await end(database, toHeir, [user])).toEqual([gone])
})

test('rights in other databases are taken back there, whatever the policy', async () => {
  const [one, two] = [await databaseForAll(), await databaseForAll()]
  const database = openDriver({ database: one })
  const user = await issue(database)
  // By the owner of which the account is a member: a superuser's grant is the superuser's to take back.
  for (const each of [one, two]) await postgres.query(`set role app_owner; grant select on orders to "${user.name}"`, [], asSuper(each))
  expect(await end(database, undefined, [user])).toEqual([gone])
})

test('a lock that somebody holds in one database delays one user, and none of the rest', async () => {
  const [one, two] = [await databaseForAll(), await databaseForAll()]
  const database = openDriver({ database: one })
  const [held, free] = [await issue(database, { memberOf: ['app_rw'] }), await issue(database, { memberOf: ['app_rw'] })]
  await asUser(held, one, 'create table first (i int)')
  await asUser(held, two, 'create table mine (i int)')
  await asUser(free, two, 'create table other (i int)')
  const reader = await postgres.connect(asSuper(two))
  await reader.query('begin; select * from mine')
  const outcomes = await end(database, toHeir, [held, free])
  expect(kinds(outcomes)).toEqual(['ended', 'gone'])
  expect(why(outcomes[0])).toMatch(new RegExp(`^what it owns in the database "${two}" is not reassigned yet: the server refused: 55P03 `))
  expect(await isDisabled(held)).toBe(true)
  expect([await ownerOf(one, 'first'), await ownerOf(two), await ownerOf(two, 'other')]).toEqual([heir, `"${held.name}"`, heir])
  await reader.query('rollback')
  await reader.end()
  expect(await end(database, toHeir, [held])).toEqual([gone])
  expect(await end(database, toHeir, [held])).toEqual([gone])
})

test.each([
  ['that takes no connections', 'alter database % allow_connections false', 'alter database % allow_connections true', '55000'],
  [
    'to which the account may not connect',
    'revoke connect on database % from public, app_owner',
    'grant connect on database % to public',
    '42501'
  ]
])('a database %s is named, and the others are done', async (_, close, open, state) => {
  const [one, two, three] = [await databaseForAll(), await databaseForAll(), await databaseForAll()]
  const database = openDriver({ database: one })
  const user = await issue(database, { memberOf: ['app_rw'] })
  for (const each of [two, three]) await asUser(user, each, 'create table mine (i int)')
  await postgres.query(close.replace('%', `"${two}"`))
  const [outcome] = await end(database, toHeir, [user])
  expect(outcome?.kind).toBe('ended')
  expect(why(outcome)).toMatch(new RegExp(`^what it owns in the database "${two}" is not reassigned yet: the server refused: ${state} `))
  expect(await isDisabled(user)).toBe(true)
  expect(await ownerOf(three)).toBe(heir)
  await postgres.query(open.replace('%', `"${two}"`))
  expect(await end(database, toHeir, [user])).toEqual([gone])
})

test('a role that is not there, or not ours to give to, is found before the user is made, and when it goes later', async () => {
  const one = await databaseForAll()
  const database = openDriver({ database: one })
  const late = `late_${newUser().name.slice(-12)}`
  const owned: OwnedObjects = { policy: 'reassign', to: late }
  const refused = { code: 'target_refused', message: expect.stringMatching(/^reassign_to: no such role at the server/) }
  await expect(issue(database, { owned })).rejects.toMatchObject(refused)
  for (const given of [
    `create role ${late}`,
    `grant ${late} to mayfly with inherit false, set true`,
    `grant ${late} to mayfly with inherit true, set false`
  ]) {
    await postgres.query(given)
    await expect(issue(database, { owned })).rejects.toMatchObject(refused)
  }
  await postgres.query(`grant ${late} to mayfly with inherit true, set true`)
  const user = await issue(database, { owned, memberOf: ['app_rw'] })
  await asUser(user, one, 'create table mine (i int)')
  await postgres.query(`drop role ${late}`)
  const [outcome] = await end(database, owned, [user])
  expect(why(outcome)).toBe(
    `what it owns in the database "${one}" is not reassigned yet: the server refused: 42704 role "${late}" does not exist`
  )
  expect(await isDisabled(user)).toBe(true)
  expect(await ownerOf(one)).toBe(`"${user.name}"`)
  expect(await end(database, toHeir, [user])).toEqual([gone])
})

test('a row policy that names the user goes with it only where objects may', async () => {
  const one = await databaseForAll()
  const database = openDriver({ database: one })
  const user = await issue(database, { memberOf: ['app_rw'] })
  await postgres.query(`create policy only_it on customers to "${user.name}", app_ro using (true)`, [], asSuper(one))
  const [outcome] = await end(database, undefined, [user])
  expect(why(outcome)).toBe(`it owns objects in the database "${one}": reassign or drop them`)
  expect(await end(database, toHeir, [user])).toEqual([gone])
  expect(await postgres.query(`select roles::text from pg_policies where policyname = 'only_it'`, [], asSuper(one))).toEqual([
    { roles: '{app_ro}' }
  ])
})

test('a database that the user owns is reassigned, and never dropped', async () => {
  const [one, two] = [await databaseForAll(), await databaseForAll()]
  const database = openDriver({ database: one })
  const user = await issue(database)
  await postgres.query(`alter database "${two}" owner to "${user.name}"`)
  expect(why((await end(database, undefined, [user]))[0])).toBe('it owns a database or a tablespace: give it to another role')
  expect(why((await end(database, { policy: 'drop' }, [user]))[0])).toBe('it owns a database or a tablespace: give it to another role')
  expect(await end(database, toHeir, [user])).toEqual([gone])
  expect(await postgres.query('select datdba::regrole::text as owner from pg_database where datname = $1', [two])).toEqual([
    { owner: heir }
  ])
})

test('a database with a hostile name is done like any other, and shown without harm', async () => {
  const one = await databaseForAll()
  const hostile = await databaseForAll(`x"; drop table customers; --\n\u001b[31m ${newUser().name.slice(-8)}`)
  const database = openDriver({ database: one })
  const user = await issue(database, { memberOf: ['app_rw'] })
  await asUser(user, hostile, 'create table mine (i int)')
  // eslint-disable-next-line no-control-regex -- none of them may be there
  expect(why((await end(database, undefined, [user]))[0])).not.toMatch(/[\u0000-\u001f]/)
  expect(await end(database, toHeir, [user])).toEqual([gone])
  expect(await ownerOf(hostile)).toBe(heir)
})

test("batches that end users of the same tables at once are in each other's way for seconds at most", async () => {
  const [one, two] = [await databaseForAll(), await databaseForAll()]
  const drivers = [openDriver({ database: one }), openDriver({ database: two })]
  const batches = await Promise.all(
    drivers.map(driver => Promise.all(Array.from({ length: 6 }, () => issue(driver, { memberOf: ['app_rw'], owned: toHeir }))))
  )
  for (const user of batches.flat())
    for (const each of [one, two]) {
      await asUser(user, each, `create table "of_${user.name}" (i int)`)
      await postgres.query(`grant select on customers, orders to "${user.name}"`, [], asSuper(each))
    }
  const outcomes = await Promise.all(batches.map((users, at) => end(drivers[at]!, toHeir, users)))
  for (const outcome of outcomes.flat())
    if (outcome.kind !== 'gone') {
      expect(outcome.kind).toBe('ended')
      expect((outcome as { again: Temporal.Instant }).again.epochMilliseconds - Date.now()).toBeLessThan(16_000)
    }
  expect(kinds(await end(drivers[0]!, toHeir, batches.flat()))).toEqual(batches.flat().map(() => 'gone'))
  for (const user of batches.flat()) for (const each of [one, two]) expect(await ownerOf(each, `of_${user.name}`)).toBe(heir)
})

test('a user that owns something in more databases than a turn takes is done in the next', async () => {
  const one = await databaseForAll()
  const database = openDriver({ database: one })
  const user = await issue(database, { memberOf: ['app_rw'] })
  const many: string[] = []
  for (let i = 0; i < 9; i++) many.push(await databaseForAll())
  for (const each of many) await postgres.query(`create table mine (i int); alter table mine owner to "${user.name}"`, [], asSuper(each))
  const [outcome] = await end(database, toHeir, [user])
  expect(why(outcome)).toBe('its turn comes with the next look')
  expect(await isDisabled(user)).toBe(true)
  expect(await end(database, toHeir, [user])).toEqual([gone])
  for (const each of many) expect(await ownerOf(each)).toBe(heir)
})

test('an aborted revocation stops in the middle of a database, and the next one ends it', async () => {
  const [one, two] = [await databaseForAll(), await databaseForAll()]
  const database = openDriver({ database: one })
  const user = await issue(database, { memberOf: ['app_rw'] })
  await asUser(user, two, 'create table mine (i int)')
  const reader = await postgres.connect(asSuper(two))
  await reader.query('begin; select * from mine')
  const stop = new AbortController()
  const stopped = database.revokeUsers({ statements: [], users: [user.revoked], owned: toHeir }, stop.signal)
  stopped.catch(() => undefined)
  // It waits for the lock: one second, in which we see it.
  const waits = `select 1 from pg_stat_activity where datname = $1 and wait_event_type = 'Lock'`
  while ((await postgres.query(waits, [two])).length === 0);
  stop.abort(new Error('enough'))
  await expect(stopped).rejects.toThrow()
  await reader.query('rollback')
  await reader.end()
  expect(await end(database, toHeir, [user])).toEqual([gone])
  expect(await ownerOf(two)).toBe(heir)
})

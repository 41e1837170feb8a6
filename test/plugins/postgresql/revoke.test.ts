import { setTimeout as wait } from 'node:timers/promises'
import { Client } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../src/system-clock.ts'
import {
  canLogIn,
  issue,
  kinds,
  login,
  newUser,
  openDriver,
  password,
  postgres,
  revoke,
  revoked,
  roleNamed,
  sessionsOf,
  soon,
  why
} from './kit.ts'

const gone = { kind: 'gone' }

test('a revoked user is gone: no login, no session, no role', async () => {
  const database = openDriver()
  const user = await issue(database)
  const session = await login(user.name)
  expect(await revoke(database, [user.revoked])).toEqual([gone])
  await session.ended
  expect(await canLogIn(user.name)).toBe(false)
  expect(await roleNamed(user.name)).toBeUndefined()
  expect(await sessionsOf(user.oid)).toBe(0)
})

test('whatever a session does, it ends', async () => {
  const database = openDriver()
  const user = await issue(database, { memberOf: ['app_rw'] })
  const idle = await login(user.name)
  const busy = await login(user.name)
  const query = busy.query('select pg_sleep(60)').catch((error: unknown) => error)
  const inTransaction = await login(user.name)
  await inTransaction.query('begin; select * from customers for update')
  const failedTransaction = await login(user.name)
  await failedTransaction.query('begin; select 1/0').catch(() => undefined)
  const listening = await login(user.name)
  await listening.query('listen anything')
  const prepared = await login(user.name)
  await prepared.query('prepare p as select 1; declare c cursor with hold for select 1')
  const copying = await login(user.name)
  copying.client.connection.query('copy customers (name) from stdin')
  await wait(100)
  const sessions = [idle, busy, inTransaction, failedTransaction, listening, prepared, copying]
  expect(await sessionsOf(user.oid)).toBe(sessions.length)

  expect(await revoke(database, [user.revoked])).toEqual([gone])
  await Promise.all(sessions.map(session => session.ended))
  expect(await query).toMatchObject({ code: '57P01' })
  expect(await sessionsOf(user.oid)).toBe(0)
})

test('a client that logs in in a loop during the revocation has no session after it', async () => {
  const database = openDriver()
  const user = await issue(database)
  const open: Client[] = []
  const stop = new AbortController()
  const knock = async () => {
    while (!stop.signal.aborted) {
      const client = new Client({
        host: postgres.host,
        port: postgres.port,
        user: user.name,
        password,
        database: 'app',
        ssl: false,
        options: '-c x.y=1'
      })
      client.on('error', () => undefined)
      await client.connect().then(
        () => open.push(client),
        () => undefined
      )
    }
  }
  const knocking = [knock(), knock(), knock()]
  onTestFinished(async () => {
    stop.abort()
    await Promise.all(open.map(client => client.end().catch(() => undefined)))
  })
  await expect.poll(() => open.length).toBeGreaterThan(0)
  expect(await revoke(database, [user.revoked])).toEqual([gone])
  expect(await sessionsOf(user.oid)).toBe(0)
  await wait(300)
  expect(await sessionsOf(user.oid)).toBe(0)
  stop.abort()
  await Promise.all(knocking)
})

test('revoking twice is revoking once', async () => {
  const database = openDriver()
  const user = await issue(database)
  expect(await revoke(database, [user.revoked])).toEqual([gone])
  expect(await revoke(database, [user.revoked])).toEqual([gone])
})

test('what never existed is gone, but not before an open transaction could have made it', async () => {
  const database = openDriver()
  const user = newUser()
  const late = { createBy: systemClock.now().subtract({ seconds: 21 }) }
  const early = { createBy: systemClock.now().subtract({ seconds: 5 }) }
  const outcomes = await revoke(database, [revoked(user), revoked(user, {}, late), revoked(user, {}, early)])
  expect(outcomes.slice(0, 2)).toEqual([gone, gone])
  expect(outcomes[2]).toMatchObject({ kind: 'ended', again: early.createBy.add({ seconds: 20 }) })
})

test('a user whose OID was never learnt is found by name and mark', async () => {
  const database = openDriver()
  const user = await issue(database)
  const session = await login(user.name)
  expect(await revoke(database, [revoked(user, {}, { createBy: user.createBy })])).toEqual([gone])
  await session.ended
  expect(await roleNamed(user.name)).toBeUndefined()
})

test('a user of that name with another mark, or none, is not ours', async () => {
  const database = openDriver()
  const user = await issue(database)
  await postgres.query(`comment on role "${user.name}" is 'mayfly:1:testinstance:somebodyelse:0123456789abcdef'`)
  const session = await login(user.name)
  const [outcome] = await revoke(database, [revoked(user)])
  expect(why(outcome)).toContain('without our mark')
  expect(await roleNamed(user.name)).toMatchObject({ enabled: true })
  await session.query('select 1')
  expect(await revoke(database, [user.revoked])).toEqual([gone])
})

test('a user that was dropped and made anew by hand is left alone', async () => {
  const database = openDriver()
  const user = await issue(database)
  await postgres.query(
    `drop role "${user.name}"; create role "${user.name}" login password '${password}'; comment on role "${user.name}" is '${user.mark}'`
  )
  const before = await roleNamed(user.name)
  const session = await login(user.name)
  const [outcome] = await revoke(database, [user.revoked])
  expect(outcome?.kind).toBe('failed')
  expect(why(outcome)).toContain('made anew')
  expect(await roleNamed(user.name)).toEqual(before)
  await session.query('select 1')
  await postgres.query(`drop role "${user.name}"`)
})

test('a user that was renamed is left alone, and who got its name as well', async () => {
  const database = openDriver()
  const [one, two] = [await issue(database), await issue(database)]
  await postgres.query(`alter role "${one.name}" rename to "${one.name}-x"`)
  const [outcome] = await revoke(database, [one.revoked])
  expect(why(outcome)).toContain('renamed')
  await postgres.query(`alter role "${two.name}" rename to "${one.name}"`)
  expect(kinds(await revoke(database, [one.revoked, two.revoked]))).toEqual(['failed', 'failed'])
  expect(await roleNamed(`${one.name}-x`)).toMatchObject({ oid: one.oid, enabled: true })
  expect(await roleNamed(one.name)).toMatchObject({ oid: two.oid, enabled: true })
  await postgres.query(`drop role "${one.name}", "${one.name}-x"`)
})

test('a user that owns a table can do nothing any more, and loses nothing', async () => {
  await using own = await postgres.newDatabase()
  await postgres.query(`grant create on schema public to app_rw`, [], {
    user: postgres.superuser,
    password: postgres.password,
    database: own.name
  })
  const database = openDriver({ database: own.name })
  const user = await issue(database, { memberOf: ['app_rw'] })
  const client = await postgres.connect({ user: user.name, password, database: own.name })
  await client.query('create table mine (i int); insert into mine values (1)')
  const [outcome] = await revoke(database, [user.revoked])
  expect(outcome).toMatchObject({ kind: 'ended' })
  expect(why(outcome)).toBe(`it owns objects in the database "${own.name}": reassign or drop them`)
  expect(await canLogIn(user.name)).toBe(false)
  expect(await sessionsOf(user.oid)).toBe(0)
  const asSuper = { user: postgres.superuser, password: postgres.password, database: own.name }
  expect(await postgres.query('select i from mine', [], asSuper)).toEqual([{ i: 1 }])
  await postgres.query('drop table mine', [], asSuper)
  expect(await revoke(database, [user.revoked])).toEqual([gone])
})

test.each(['orders', 'foreign_to_us'])(
  'rights on %s that were granted to the user itself are taken back, and it is dropped',
  async table => {
    // The account is a member of the owner of the one, and holds the grant option on the other.
    await postgres.query('create table if not exists foreign_to_us (i int); grant select on foreign_to_us to mayfly with grant option')
    const database = openDriver()
    const statements = [
      `CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';`,
      `GRANT SELECT ON public.${table} TO "{{name}}";`
    ]
    const user = await issue(database, { statements, memberOf: [] })
    expect((await (await login(user.name)).query(`select 1 from ${table} limit 0`)).rows).toEqual([])
    expect(await revoke(database, [user.revoked])).toEqual([gone])
  }
)

test('one user that cannot be dropped does not keep the other 299', async () => {
  const database = openDriver({ max_open_connections: 6 })
  const names = Array.from({ length: 300 }, () => newUser())
  // Made as a crash would leave them: without an OID that anybody knows.
  await postgres.query(
    names
      .map(
        ({ name, mark }) =>
          `create role "${name}" login; grant "${name}" to mayfly with admin true, inherit false, set false; comment on role "${name}" is '${mark}'`
      )
      .join(';')
  )
  const poison = names[137]!
  await postgres.query(`create schema "${poison.name}" authorization "${poison.name}"`)
  const outcomes = await revoke(
    database,
    names.map(user => revoked(user))
  )
  expect(kinds(outcomes).filter(kind => kind === 'gone')).toHaveLength(299)
  expect(why(outcomes[137])).toContain('it owns objects')
  const left = await postgres.query('select rolname from pg_roles where rolname = any($1)', [names.map(({ name }) => name)])
  expect(left).toEqual([{ rolname: poison.name }])
  await postgres.query(`drop schema "${poison.name}"`)
  expect(
    kinds(
      await revoke(
        database,
        names.map(user => revoked(user))
      )
    )
  ).toEqual(names.map(() => 'gone'))
})

test('statements of the operator run between the end of the sessions and the drop', async () => {
  await postgres.query(`create table if not exists ended (name text, sessions int, enabled boolean); grant insert on ended to mayfly`)
  const database = openDriver()
  const user = await issue(database)
  await login(user.name)
  const statements = [
    `insert into public.ended select '{{name}}', (select count(*) from pg_stat_activity where usesysid = r.oid), rolcanlogin from pg_roles r where rolname = '{{name}}'; -- noted`,
    `drop role if exists "{{name}}"`
  ]
  expect(await revoke(database, [user.revoked], statements)).toEqual([gone])
  expect(await postgres.query('select * from ended where name = $1', [user.name])).toEqual([
    { name: user.name, sessions: 0, enabled: false }
  ])
})

test('a failing statement of the operator keeps its user disabled, and only that one', async () => {
  const database = openDriver()
  const [good, bad] = [await issue(database), await issue(database)]
  const statements = [`do $$ begin if '{{name}}' = '${bad.name}' then raise exception 'no'; end if; end $$`]
  const outcomes = await revoke(database, [good.revoked, bad.revoked], statements)
  expect(outcomes[0]).toEqual(gone)
  expect(outcomes[1]?.kind).toBe('ended')
  expect(why(outcomes[1])).toBe('revocation_statements failed: the server refused: P0001 no')
  expect(await canLogIn(bad.name)).toBe(false)
  expect(await revoke(database, [bad.revoked])).toEqual([gone])
})

test('a late enabling statement does not bring a login back', async () => {
  const database = openDriver()
  const user = await issue(database)
  await postgres.query(`create schema "${user.name}" authorization "${user.name}"`)
  expect(kinds(await revoke(database, [user.revoked]))).toEqual(['ended'])
  // What a broker that was paused before its last step would send.
  await postgres.query(`alter role "${user.name}" login password '${password}'`)
  expect(await canLogIn(user.name)).toBe(false)
  expect(kinds(await revoke(database, [user.revoked]))).toEqual(['ended'])
  expect(await roleNamed(user.name)).toMatchObject({ enabled: false })
  await postgres.query(`drop schema "${user.name}"`)
  expect(await revoke(database, [user.revoked])).toEqual([gone])
})

test('a user that somebody else is changing waits, and the rest go on', async () => {
  const database = openDriver()
  const [held, free] = [await issue(database), await issue(database)]
  const other = await postgres.connect({ user: postgres.superuser, password: postgres.password, database: 'app' })
  await other.query(`begin; alter role "${held.name}" connection limit 3`)
  const outcomes = await revoke(database, [held.revoked, free.revoked])
  expect(kinds(outcomes)).toEqual(['failed', 'gone'])
  await other.query('rollback')
  await other.end()
  expect(await revoke(database, [held.revoked])).toEqual([gone])
})

test('a user whose renewal commits meanwhile is disabled all the same', async () => {
  const database = openDriver()
  const user = await issue(database)
  const other = await postgres.connect({ user: postgres.superuser, password: postgres.password, database: 'app' })
  const changed = `alter role "${user.name}" valid until 'infinity'`
  const renewing = other.query(`begin; ${changed}; select pg_sleep(0.2); commit`)
  const asleep = `select 1 from pg_stat_activity where wait_event = 'PgSleep' and strpos(query, $1) > 0`
  await expect.poll(async () => (await postgres.query(asleep, [changed])).length, { interval: 5 }).toBeGreaterThan(0)
  expect(await revoke(database, [user.revoked])).toEqual([gone])
  await renewing
  await other.end()
})

test('a session of a user that is gone already is found by OID and ended', async () => {
  const database = openDriver()
  const user = await issue(database)
  const session = await login(user.name)
  await postgres.query(`drop role "${user.name}"`)
  await session.query('select 1')
  expect(await revoke(database, [user.revoked])).toEqual([gone])
  await session.ended
})

test('users are listed by mark, or by a name like ours', async () => {
  const database = openDriver()
  const user = await issue(database)
  const bare = `v-somebody-${user.name.slice(-12)}`
  await postgres.query(
    `create role "${bare}" nologin; comment on role "${bare}" is 'a pipeline of theirs'; create role "plain-${bare}" login`
  )
  const found = new Map<string, unknown>()
  for await (const listed of database.listUsers(soon())) found.set(listed.name, listed)
  const handle = { oid: user.oid }
  expect(found.get(user.name)).toMatchObject({ name: user.name, mark: user.mark, enabled: true, handle })
  const { until } = found.get(user.name) as { until: Temporal.Instant }
  expect(Math.abs(until.since(user.until).total('seconds'))).toBeLessThan(3)
  expect(found.get(bare)).toEqual({ name: bare, mark: 'a pipeline of theirs', enabled: false, handle: { oid: expect.any(Number) } })
  expect(found.has(`plain-${bare}`)).toBe(false)
  await postgres.query(`drop role "${bare}", "plain-${bare}"`)
  await revoke(database, [user.revoked])
})

test('more users than a page are all listed, once', async () => {
  const database = openDriver()
  const prefix = `v-page-${newUser().name.slice(-12)}`
  await postgres.query(`do $$ begin for i in 1..1050 loop execute format('create role %I', '${prefix}-' || i); end loop; end $$`)
  const found: string[] = []
  for await (const { name } of database.listUsers(soon())) if (name.startsWith(prefix)) found.push(name)
  await postgres.query(
    `do $$ declare r record; begin for r in select rolname from pg_roles where rolname like '${prefix}-%' loop execute format('drop role %I', r.rolname); end loop; end $$`
  )
  expect(found).toHaveLength(1_050)
  expect(new Set(found).size).toBe(1_050)
})

test('what the statements of some users make slow keeps nobody from being told of the rest', async () => {
  const database = openDriver()
  const users = []
  for (let i = 0; i < 8; i++) users.push(await issue(database))
  const outcomes = await revoke(
    database,
    users.map(user => user.revoked),
    ['select pg_sleep(2)']
  )
  const kindsSeen = kinds(outcomes)
  expect(new Set(kindsSeen)).toEqual(new Set(['gone', 'ended']))
  const left = users.filter((_, i) => kindsSeen[i] === 'ended')
  for (const user of left) expect(await canLogIn(user.name)).toBe(false)
  expect(
    kinds(
      await revoke(
        database,
        left.map(user => user.revoked),
        ['select 1']
      )
    )
  ).toEqual(left.map(() => 'gone'))
})

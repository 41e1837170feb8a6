import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventName } from '../../../plugins/mysql/create/event-name.ts'
import { systemClock, systemRandom } from '../../../src/system-clock.ts'
import type { MysqlAccess } from '../../targets/mysql-access.ts'
import {
  canLogIn,
  eventOf,
  hostsOf,
  issue,
  kinds,
  login,
  newUser,
  openDriver,
  password,
  revoke,
  revoked,
  sessionsOf,
  soon,
  why
} from './kit.ts'
import { sharedMysql, sharedMysqls } from '../../targets/shared-mysql.ts'

const byName = (first: { readonly name: string }, second: { readonly name: string }) => (first.name < second.name ? -1 : 1)
const gone = { kind: 'gone' }
const longAgo = () => systemClock.now().subtract({ minutes: 10 })

describe.each(sharedMysqls)('%s', flavour => {
  let server: MysqlAccess

  beforeAll(async () => {
    server = await sharedMysql(flavour)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test('a revoked user is gone: no login, no session, no row, no event', async () => {
    const database = openDriver(server)
    const user = await issue(database)
    const session = await login(server, user.name)
    expect(await eventOf(server, user.name)).toMatchObject({ mark: user.mark })
    expect(await revoke(database, [user.revoked])).toEqual([gone])
    await session.ended
    expect(await canLogIn(server, user.name)).toBe(false)
    expect([await hostsOf(server, user.name), await eventOf(server, user.name), await sessionsOf(server, user.name)]).toEqual([
      [],
      undefined,
      0
    ])
  })

  test('whatever a session does, it ends', async () => {
    const database = openDriver(server)
    const user = await issue(database, { memberOf: ['app_rw'] })
    const sessions = await Promise.all(Array.from({ length: 6 }, () => login(server, user.name)))
    const [, busy, inTransaction, waiting, locking, prepared] = sessions
    const query = busy!.query('select sleep(60)').catch((error: unknown) => error)
    await inTransaction!.query('begin')
    await inTransaction!.query('select * from app.customers where id = 1 for update')
    const blocked = waiting!.query('update app.customers set name = name where id = 1').catch((error: unknown) => error)
    await locking!.query("select get_lock('mayfly test', 1)")
    await prepared!.query("prepare p from 'select 1'")
    await wait(100)
    expect(await sessionsOf(server, user.name)).toBe(6)
    expect(await revoke(database, [user.revoked])).toEqual([gone])
    await Promise.all([query, blocked, ...sessions.map(session => session.ended)])
    expect(await sessionsOf(server, user.name)).toBe(0)
  })

  test('a client that logs in in a loop during the revocation has no session after it', async () => {
    const database = openDriver(server)
    const user = await issue(database)
    const over = new AbortController()
    const knock = async () => {
      while (!over.signal.aborted) await server.connect({ user: user.name, password }).catch(() => undefined)
    }
    const knocking = [knock(), knock(), knock()]
    await wait(100)
    expect(await revoke(database, [user.revoked])).toEqual([gone])
    await wait(200)
    over.abort()
    await Promise.all(knocking)
    // Who is at the door is on the server's list by name before it is refused, and stays there until its thread has ended.
    await expect.poll(() => sessionsOf(server, user.name)).toBe(0)
  })

  test('the session of a user that somebody dropped by hand is ended as well', async () => {
    const database = openDriver(server)
    const user = await issue(database)
    const session = await login(server, user.name)
    await server.query(`drop user \`${user.name}\`@\`%\``)
    expect(await revoke(database, [user.revoked])).toEqual([gone])
    await session.ended
    expect(await sessionsOf(server, user.name)).toBe(0)
  })

  test('many at once, one of them without a trace, one of somebody else, one with a host of its own', async () => {
    const database = openDriver(server)
    const [one, two, named] = [await issue(database), await issue(database), await issue(database, { host: '10.0.0.0/255.0.0.0' })]
    const [never, foreign] = [newUser(), newUser()]
    await server.query(`create user '${foreign.name}'@'%' identified by 'Theirs-1'`)
    await server.query(`grant select on app.* to '${foreign.name}'@'%'`)
    const outcomes = await revoke(database, [
      one.revoked,
      revoked(never, {}, { createBy: longAgo() }),
      revoked(foreign, {}, { createBy: longAgo() }),
      two.revoked,
      named.revoked
    ])
    expect(kinds(outcomes)).toEqual(['gone', 'gone', 'failed', 'gone', 'gone'])
    expect(why(outcomes[2])).toContain('without our mark')
    expect(await canLogIn(server, foreign.name, 'Theirs-1')).toBe(true)
    await server.query(`drop user '${foreign.name}'@'%'`)
  })

  test('what somebody gave another host is left alone, and says so', async () => {
    const database = openDriver(server)
    const user = await issue(database)
    await server.query(`rename user '${user.name}'@'%' to '${user.name}'@'10.%'`)
    const [outcome] = await revoke(database, [user.revoked])
    expect(why(outcome)).toContain('another host')
    expect(await hostsOf(server, user.name)).toEqual(['10.%'])
    await server.query(`drop user '${user.name}'@'10.%'`)
    expect(await revoke(database, [user.revoked])).toEqual([gone])
  })

  test.skipIf(flavour === 'mariadb')('what somebody renamed is not said to be gone', async () => {
    const database = openDriver(server)
    const user = await issue(database)
    await server.query(`rename user '${user.name}'@'%' to 'other_${user.name.slice(-8)}'@'%'`)
    const [outcome] = await revoke(database, [user.revoked])
    expect(why(outcome)).toContain('renamed')
    await server.query(`drop user 'other_${user.name.slice(-8)}'@'%'`)
  })

  test('a user that was never acknowledged is looked for again when nothing can make it any more', async () => {
    const database = openDriver(server)
    const createBy = systemClock.now().add({ seconds: 5 })
    const user = newUser()
    const [outcome] = await revoke(database, [revoked(user, {}, { createBy })])
    expect(outcome).toMatchObject({ kind: 'ended' })
    if (outcome?.kind === 'ended') expect(Temporal.Instant.compare(outcome.again, createBy)).toBe(1)
    expect(await hostsOf(server, user.name)).toEqual([])
  })

  test('one whose making was still on its way at the first look is known as ours when it comes', async () => {
    const database = openDriver(server)
    const user = newUser()
    // Of one message the server has done the first statement, and is held up before the next.
    const ours = `definer = '${server.admin.user}'@'%' event mayfly.\`${user.name}\``
    await server.query(`create ${ours} on schedule at now() + interval 1 hour comment '${user.mark}' do do 1`)
    const soonOver = { createBy: systemClock.now().add({ seconds: 5 }) }
    expect(kinds(await revoke(database, [revoked(user, {}, soonOver)]))).toEqual(['ended'])
    await server.query(`create user '${user.name}'@'%' identified by 'Nobodys-1' account lock`)
    expect(await revoke(database, [revoked(user, {}, { createBy: longAgo() })])).toEqual([gone])
    expect([await hostsOf(server, user.name), await eventOf(server, user.name)]).toEqual([[], undefined])
  })

  test('one that our own statements made is gone once it is dropped, as nothing of them can make it again', async () => {
    const database = openDriver(server)
    const user = await issue(database)
    const never = newUser()
    const createBy = systemClock.now().add({ seconds: 5 })
    const users = [revoked(user, {}, { createBy }), revoked(never, {}, { createBy })]
    expect(kinds(await database.revokeUsers({ statements: [], users, ownWay: true }, soon()))).toEqual(['gone', 'ended'])
  })

  test('one statement of the operator that fails keeps its user, locked and without sessions', async () => {
    const database = openDriver(server)
    const user = await issue(database)
    const session = await login(server, user.name)
    const [outcome] = await revoke(database, [user.revoked], ['drop table app.{{name}}'])
    expect(outcome?.kind).toBe('ended')
    expect(why(outcome)).toContain('revocation_statements failed')
    await session.ended
    expect(await canLogIn(server, user.name)).toBe(false)
    expect(await revoke(database, [user.revoked], ["revoke all privileges, grant option from '{{name}}'@'%';"])).toEqual([gone])
  })

  test('statements of the operator leave nothing behind in the session', async () => {
    const database = openDriver(server, { max_open_connections: 1 })
    const user = await issue(database)
    expect(await revoke(database, [user.revoked], ['set time_zone = "+05:00"; lock tables mysql.help_topic read'])).toMatchObject([
      { kind: 'ended' }
    ])
    expect(await revoke(database, [user.revoked])).toEqual([gone])
  })

  test('a hundred and twenty go in a few statements', async () => {
    const database = openDriver(server, { max_open_connections: 8 })
    const users = await Promise.all(Array.from({ length: 120 }, () => issue(database, { createBy: systemClock.now().add({ minutes: 1 }) })))
    const outcomes = await revoke(
      database,
      users.map(user => user.revoked)
    )
    expect(new Set(kinds(outcomes))).toEqual(new Set(['gone']))
  })

  test('a renewal moves the end in the server, and wakes nothing that was put down', async () => {
    const database = openDriver(server)
    const user = await issue(database)
    const until = systemClock.now().add({ hours: 5 })
    await database.renewUser({ name: user.name, handle: user.handle, statements: [], until }, soon())
    const [year] = until.toString().split('.')
    const at = Temporal.Instant.from(String((await eventOf(server, user.name))?.['at']))
    expect(Math.abs(at.since(Temporal.Instant.from(`${year}Z`.replace('ZZ', 'Z'))).total('seconds') - 5)).toBeLessThan(2)
    await server.query(`drop event mayfly.\`${user.name}\``)
    await database.renewUser({ name: user.name, handle: user.handle, statements: [], until }, soon())
    expect(await eventOf(server, user.name)).toMatchObject({ mark: user.mark })
    await server.query(`alter user '${user.name}'@'%' account lock`)
    await expect(database.renewUser({ name: user.name, handle: user.handle, statements: [], until }, soon())).rejects.toThrow(
      'gone or locked'
    )
    expect(await revoke(database, [user.revoked])).toEqual([gone])
    await expect(database.renewUser({ name: user.name, handle: user.handle, statements: [], until }, soon())).rejects.toThrow(
      'gone or locked'
    )
  })

  test.skipIf(flavour === 'mysql')('names longer than those of events, alike up to there, have ends of their own', async () => {
    const database = openDriver(server)
    const alike = `v-token-${'long'.repeat(14)}`
    const name = () => `${alike}-${Buffer.from(systemRandom.bytes(8)).toString('hex').slice(0, 15)}`
    const [one, two] = [await issue(database, { name: name() }), await issue(database, { name: name() })]
    const until = systemClock.now().add({ hours: 5 })
    await database.renewUser({ name: one.name, handle: one.handle, statements: [], until }, soon())
    const listed = (await Array.fromAsync(database.listUsers(soon()))).filter(user => user.name.startsWith(alike))
    expect(
      listed.map(user => ({ ...user, until: Math.round(user.until?.since(systemClock.now()).total('hours') ?? 0) })).toSorted(byName)
    ).toEqual(
      [one, two].map(({ name, mark, handle }) => ({ name, mark, enabled: true, handle, until: name === one.name ? 5 : 1 })).toSorted(byName)
    )
    const session = await login(server, one.name)
    expect(await revoke(database, [one.revoked])).toEqual([gone])
    await session.ended
    expect(await eventOf(server, eventName(one.name))).toBeUndefined()
    expect(await eventOf(server, eventName(two.name))).toMatchObject({ mark: two.mark })
    expect(await revoke(database, [revoked(two)])).toEqual([gone])
  })
})

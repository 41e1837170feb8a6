import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/system-clock.ts'
import { FaultProxy } from '../../targets/fault-proxy.ts'
import type { MysqlAccess } from '../../targets/mysql-access.ts'
import { canLogIn, eventOf, hostsOf, issue, kinds, login, newUser, openDriver, revoke, revoked, sessionsOf, soon } from './kit.ts'
import { sharedMysql, sharedMysqls } from '../../targets/shared-mysql.ts'

const silent = { code: 'target_silent' }
const unknown = (user: ReturnType<typeof newUser>) => revoked(user, {}, { createBy: user.createBy })

describe.each(sharedMysqls)('%s', flavour => {
  let server: MysqlAccess
  let proxy: FaultProxy

  beforeAll(async () => {
    server = await sharedMysql(flavour)
  })
  afterAll(() => server[Symbol.asyncDispose]())
  beforeEach(async () => {
    proxy = await FaultProxy.start(server)
  })
  afterEach(() => proxy[Symbol.asyncDispose]())

  const throughProxy = (fields = {}) => openDriver({ host: proxy.host, port: proxy.port, admin: server.admin }, fields)

  test('the reply to the creation is cut: unknown, and whatever of it is there lets nobody in and is ended', async () => {
    const database = throughProxy()
    const user = newUser()
    proxy.fault = { kind: 'cut', pattern: 'create event', when: 'after' }
    await expect(database.createUser(user, soon())).rejects.toMatchObject(silent)
    // Each statement of a message is answered by itself: after a cut reply the server may be at the next one still.
    await expect.poll(() => hostsOf(server, user.name)).not.toEqual([])
    expect(await canLogIn(server, user.name)).toBe(false)
    const over = revoked(user, {}, { createBy: systemClock.now().subtract({ minutes: 1 }) })
    expect(kinds(await revoke(database, [over]))).toEqual(['gone'])
    expect([await hostsOf(server, user.name), await eventOf(server, user.name)]).toEqual([[], undefined])
  })

  test('a request that never arrives: unknown, and nothing is there', async () => {
    const database = throughProxy()
    const user = newUser()
    proxy.fault = { kind: 'cut', pattern: 'create event', when: 'before' }
    await expect(database.createUser(user, soon())).rejects.toMatchObject(silent)
    expect(await hostsOf(server, user.name)).toEqual([])
    expect(kinds(await revoke(database, [unknown(user)]))).toEqual(['ended'])
  })

  test('the reply of the enabling statement is cut: the user can log in, until it is revoked', async () => {
    const database = throughProxy()
    const user = newUser()
    proxy.fault = { kind: 'cut', pattern: 'account unlock', when: 'after' }
    await expect(database.createUser(user, soon())).rejects.toMatchObject(silent)
    await expect.poll(() => canLogIn(server, user.name)).toBe(true)
    expect(kinds(await database.revokeUsers({ statements: [], users: [unknown(user)], ownWay: true }, soon()))).toEqual(['gone'])
    expect(await canLogIn(server, user.name)).toBe(false)
  })

  test('an enabling statement that comes after the end makes no user', async () => {
    const database = throughProxy()
    const user = newUser()
    const held = Promise.withResolvers<void>()
    proxy.fault = { kind: 'cut', pattern: 'account unlock', when: 'before' }
    await database.createUser(user, soon()).catch(() => held.resolve())
    await held.promise
    expect(await canLogIn(server, user.name)).toBe(false)
    expect(kinds(await database.revokeUsers({ statements: [], users: [unknown(user)], ownWay: true }, soon()))).toEqual(['gone'])
    const admin = await server.connect({ ...server.admin, database: 'mysql' })
    await expect(admin.query(`alter user \`${user.name}\`@\`%\` account unlock`)).rejects.toMatchObject({ errno: 1396 })
    await admin.end()
    expect(await hostsOf(server, user.name)).toEqual([])
  })

  test.each([/\Salter user if exists/, /\Skill \d/, /\Sdrop user/, /\Sdrop event/])(
    'a revocation that is cut at %s is ended by the next attempt',
    async pattern => {
      const database = throughProxy()
      for (const when of ['before', 'after'] as const) {
        const user = await issue(database)
        const session = await login(server, user.name)
        const { strikes } = proxy
        proxy.fault = { kind: 'cut', pattern, when }
        await expect(revoke(database, [user.revoked])).rejects.toMatchObject(silent)
        expect(proxy.strikes).toBe(strikes + 1)
        expect(kinds(await revoke(database, [user.revoked]))).toEqual(['gone'])
        await session.ended
        expect([await sessionsOf(server, user.name), await hostsOf(server, user.name), await eventOf(server, user.name)]).toEqual([
          0,
          [],
          undefined
        ])
      }
    }
  )

  test('an aborted signal is honoured at once, whatever the server does, and the connection is not used again', async () => {
    const database = throughProxy({ max_open_connections: 2 })
    const user = await issue(database)
    for (const call of [
      (signal: AbortSignal) => database.createUser(newUser(), signal),
      (signal: AbortSignal) => database.renewUser({ name: user.name, handle: {}, statements: [], until: user.until }, signal),
      (signal: AbortSignal) => database.revokeUsers({ statements: [], users: [user.revoked] }, signal),
      (signal: AbortSignal) => database.check(signal),
      (signal: AbortSignal) => database.now(signal)
    ]) {
      proxy.fault = { kind: 'black-hole', direction: 'server' }
      await expect(call(AbortSignal.timeout(150))).rejects.toMatchObject({
        name: 'BrokerError',
        code: expect.stringMatching(/^target_(silent|unreachable)$/)
      })
      proxy.fault = { kind: 'pass' }
      expect((await database.now(soon())).epochMilliseconds).toBeGreaterThan(0)
    }
    expect(kinds(await revoke(database, [user.revoked]))).toEqual(['gone'])
  })

  test('a server that resets or is not there is told as unreachable, and works again afterwards', async () => {
    const database = throughProxy()
    proxy.fault = { kind: 'reset' }
    await expect(database.check(soon())).rejects.toMatchObject({ code: 'target_unreachable' })
    proxy.fault = { kind: 'pass' }
    expect((await database.check(soon())).guarantees.revocable).toBe('at once')
    proxy.resetAll()
    // One that was idle finds out when it is used.
    await database.now(soon()).catch(() => undefined)
    expect((await database.now(soon())).epochMilliseconds).toBeGreaterThan(0)
  })
})

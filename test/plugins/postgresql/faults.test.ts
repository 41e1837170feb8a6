import type { Clock } from 'mayfly/plugin'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../../src/system-clock.ts'
import { startPostgres } from '../../targets/embedded-postgres.ts'
import { FaultProxy } from '../../targets/fault-proxy.ts'
import { canLogIn, issue, kinds, login, newUser, openDriver, postgres, revoke, revoked, roleNamed, sessionsOf, soon, why } from './kit.ts'

let proxy: FaultProxy
beforeEach(async () => {
  proxy = await FaultProxy.start(postgres)
})
afterEach(async () => proxy[Symbol.asyncDispose]())

const throughProxy: typeof openDriver = (fields, parts) => openDriver({ port: proxy.port, ...fields }, parts)
const silent = { code: 'target_silent' }
const unknown = (user: ReturnType<typeof newUser>) => revoked(user, {}, { createBy: user.createBy })

test('the reply of COMMIT is cut: unknown, and there, disabled, until it is revoked', async () => {
  const database = throughProxy()
  const user = newUser()
  proxy.fault = { kind: 'cut', pattern: 'commit', when: 'after' }
  await expect(database.createUser(user, soon())).rejects.toMatchObject(silent)
  expect(proxy.strikes).toBe(1)
  expect(await roleNamed(user.name)).toMatchObject({ enabled: false, mark: user.mark })
  expect(await canLogIn(user.name)).toBe(false)
  expect(kinds(await revoke(database, [unknown(user)]))).toEqual(['gone'])
  expect(await roleNamed(user.name)).toBeUndefined()
})

test('a request that never arrives: unknown, and nothing is there', async () => {
  const database = throughProxy()
  const user = newUser()
  proxy.fault = { kind: 'cut', pattern: 'create role', when: 'before' }
  await expect(database.createUser(user, soon())).rejects.toMatchObject(silent)
  expect(await roleNamed(user.name)).toBeUndefined()
  expect(kinds(await revoke(database, [unknown(user)]))).toEqual(['ended'])
})

test('the enabling statement never arrives: the user stays disabled', async () => {
  const database = throughProxy()
  const user = newUser()
  proxy.fault = { kind: 'cut', pattern: /alter role "[^"]*" login/, when: 'before' }
  await expect(database.createUser(user, soon())).rejects.toMatchObject(silent)
  expect(await roleNamed(user.name)).toMatchObject({ enabled: false })
  expect(kinds(await revoke(database, [unknown(user)]))).toEqual(['gone'])
})

test('the reply of the enabling statement is cut: the user can log in, until it is revoked', async () => {
  const database = throughProxy()
  const user = newUser()
  proxy.fault = { kind: 'cut', pattern: /alter role "[^"]*" login/, when: 'after' }
  await expect(database.createUser(user, soon())).rejects.toMatchObject(silent)
  expect(await canLogIn(user.name)).toBe(true)
  expect(kinds(await revoke(database, [unknown(user)]))).toEqual(['gone'])
  expect(await canLogIn(user.name)).toBe(false)
})

test.each([/alter role %I/, /pg_terminate_backend/, /drop role/, /union|rolname = any\(array.*usesysid/s])(
  'a revocation that is cut at %s is ended by the next attempt',
  async pattern => {
    const database = throughProxy()
    for (const when of ['before', 'after'] as const) {
      const user = await issue(database)
      const session = await login(user.name)
      const strikes = proxy.strikes
      proxy.fault = { kind: 'cut', pattern, when }
      await expect(revoke(database, [user.revoked])).rejects.toMatchObject(silent)
      expect(proxy.strikes).toBe(strikes + 1)
      expect(kinds(await revoke(database, [user.revoked]))).toEqual(['gone'])
      await session.ended
      expect(await sessionsOf(user.oid)).toBe(0)
      expect(await roleNamed(user.name)).toBeUndefined()
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

test('a signal that is aborted already sends nothing', async () => {
  const database = throughProxy()
  const user = newUser()
  await expect(database.createUser(user, AbortSignal.abort())).rejects.toMatchObject({ code: 'target_unreachable' })
  expect(proxy.open).toBe(0)
  expect(await roleNamed(user.name)).toBeUndefined()
})

test('a session ends during the wait between two looks when the signal says so', async () => {
  const caller = new AbortController()
  const sleep: Clock['sleep'] = (milliseconds, signal) => {
    setImmediate(() => caller.abort())
    return systemClock.sleep(milliseconds * 1_000, signal)
  }
  const database = throughProxy({}, { clock: { ...systemClock, sleep } })
  const user = await issue(database)
  await expect(database.revokeUsers({ statements: [], users: [user.revoked] }, caller.signal)).rejects.toMatchObject(silent)
  expect(await canLogIn(user.name)).toBe(false)
  expect(kinds(await revoke(openDriver(), [user.revoked]))).toEqual(['gone'])
})

test('silence at connecting ends with connect_timeout, as unreachable', async () => {
  proxy.fault = { kind: 'black-hole' }
  const limits: number[] = []
  const within: Clock['within'] = (milliseconds, signal) => (limits.push(milliseconds), systemClock.within(milliseconds, signal))
  const database = throughProxy({ connect_timeout: 1 }, { clock: { ...systemClock, within } })
  await expect(database.check(new AbortController().signal)).rejects.toMatchObject({
    code: 'target_unreachable',
    message: 'cannot reach the database server: no answer in time'
  })
  expect(limits).toEqual([1_000])
})

test('what a late server does after our deadline is found by the revocation', async () => {
  const database = throughProxy({ max_open_connections: 3 })
  const user = newUser()
  await database.now(soon())
  proxy.fault = { kind: 'delay', milliseconds: 600, direction: 'client' }
  await expect(database.createUser(user, AbortSignal.timeout(200))).rejects.toMatchObject(silent)
  proxy.fault = { kind: 'pass' }
  const outcomes = await revoke(database, [unknown(user)])
  // Not seen yet is not gone: it may come.
  expect(['ended', 'gone']).toContain(outcomes[0]?.kind)
  if (outcomes[0]?.kind === 'ended') expect((await roleNamed(user.name))?.['enabled']).not.toBe(true)
  await revoke(database, [revoked(user)])
  expect(await canLogIn(user.name)).toBe(false)
})

test('a server that was stopped or killed is used again when it is back', async () => {
  await using own = await startPostgres()
  const database = openDriver({}, {}, own)
  const user = await issue(database)
  for (const down of ['stop', 'kill'] as const) {
    await own[down]()
    await expect(database.createUser(newUser(), soon())).rejects.toMatchObject({
      code: expect.stringMatching(/^target_(unreachable|silent)$/)
    })
    await expect(revoke(database, [user.revoked])).rejects.toMatchObject({ code: 'target_unreachable' })
    await own.start()
    const next = await issue(database)
    expect(kinds(await revoke(database, [next.revoked]))).toEqual(['gone'])
  }
  expect(await canLogIn(user.name, undefined, own)).toBe(true)
  expect(kinds(await revoke(database, [user.revoked]))).toEqual(['gone'])
})

test('a prepared transaction keeps a user, disabled, until somebody ends it', async () => {
  await using own = await startPostgres({ settings: { max_prepared_transactions: '5' } })
  const database = openDriver({}, {}, own)
  const user = await issue(database, { memberOf: ['app_rw'] })
  await own.query('grant create on schema public to app_rw')
  const session = await login(user.name, undefined, own)
  await session.query(`begin; create table theirs (i int); prepare transaction 'left'`)
  const [outcome] = await revoke(database, [user.revoked])
  expect(why(outcome)).toContain('it cannot be dropped yet: the server refused: 55P03')
  expect(await canLogIn(user.name, undefined, own)).toBe(false)
  await session.ended
  await own.query(`rollback prepared 'left'`)
  expect(kinds(await revoke(database, [user.revoked]))).toEqual(['gone'])
})

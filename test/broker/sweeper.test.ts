import { expect, test } from 'vitest'
import { login, usersOf } from '../../plugins/memory/target.ts'
import { TestClock } from '../sim/test-clock.ts'
import { oddBackend } from './odd-backend.ts'
import { dataOf, lease, smallBroker, withUsers } from './small-broker.ts'

test('a target that is down for a day is revoked within a minute of its return', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const credential = await lease(broker)
  await broker.ask('write', 'users/faults', { effect: 'revoke', fault: 'fail_after' })
  await broker.ask('write', 'users/faults', { effect: 'revoke', fault: 'hang' })
  await broker.clock.leap('PT25H', 15_000)
  const stuck = dataOf(await broker.ask('read', 'sys/leases', { type: 'irrevocable' }))
  expect(stuck.lease_count).toBe(1)
  expect(stuck.leases[0].lease_id).toBe(credential.lease)
  expect(usersOf(broker.target)).toHaveLength(1)
  await broker.ask('write', 'users/faults', { effect: 'revoke', fault: 'none' })
  await broker.clock.advance('PT60S')
  expect(usersOf(broker.target)).toEqual([])
  await expect(broker.ask('read', 'sys/leases', { type: 'irrevocable' }).then(dataOf)).resolves.toMatchObject({ lease_count: 0 })
  expect(broker.log.filter(line => line.includes('a target is back'))).toHaveLength(1)
})

test.for(['P25D', 'P32D'])('a lease of %s neither ends early nor late', async ttl => {
  await using broker = await smallBroker()
  const seconds = Temporal.Duration.from(ttl).total({ unit: 'seconds', relativeTo: Temporal.Now.zonedDateTimeISO('UTC') })
  await withUsers(broker, { default_ttl: seconds, max_ttl: seconds })
  const credential = await lease(broker)
  await broker.clock.leap(`PT${seconds - 60}S`, 600_000)
  expect(login(broker.target, credential.username, credential.password, broker.clock.now())).toBeTruthy()
  await broker.clock.advance('PT71S')
  expect(usersOf(broker.target)).toEqual([])
})

test.for(['P1D', 'P3650D'])('a clock that jumps %s ahead ends nothing early, stops issuing and is told', async jump => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const credential = await lease(broker)
  broker.clock.step(jump)
  await broker.clock.advance('PT2M')
  expect(usersOf(broker.target).map(user => user.name)).toEqual([credential.username])
  await expect(lease(broker)).rejects.toMatchObject({ code: 'clock_suspect' })
  expect(broker.log.join('\n')).toContain('nobody confirms it')
  broker.clock.step(`-${jump}`)
  await broker.clock.advance('PT2M')
  await expect(lease(broker)).resolves.toBeTruthy()
  await broker.clock.advance('PT57M')
  expect(usersOf(broker.target).some(user => user.name === credential.username)).toBe(false)
})

test('a clock that jumps a day back extends no lease', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  await lease(broker)
  broker.clock.step('-P1D')
  await broker.clock.advance('PT1H10S')
  expect(usersOf(broker.target)).toEqual([])
})

test('a target that hangs holds up no other', async () => {
  await using broker = await smallBroker()
  await withUsers(broker, { default_ttl: '1m' })
  await withUsers(broker, { default_ttl: '1m' }, 'poison')
  await lease(broker, undefined, 'poison')
  await broker.ask('write', 'poison/faults', { effect: 'revoke', fault: 'hang' })
  await lease(broker)
  await broker.clock.advance('PT70S')
  expect(usersOf(broker.target)).toEqual([])
})

test('what was issued with a lost reply is revoked', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  await broker.ask('write', 'users/faults', { effect: 'issue', fault: 'lose_reply', count: 1 })
  const issuing = lease(broker).catch((error: unknown) => error)
  await broker.clock.advance('PT11S')
  expect(await issuing).toMatchObject({ code: 'target_silent' })
  await broker.clock.advance('PT15S')
  expect(usersOf(broker.target)).toEqual([])
  await broker.clock.advance('PT1H')
  const holdings = dataOf(await broker.ask('read', 'sys/holdings', { ended: true }))
  expect(holdings.holdings[0]).toMatchObject({ state: 'revoked', cause: 'issue-failed' })
})

test('a parent that is revoked while its child issues leaves nothing behind', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  for (let round = 0; round < 20; round++) {
    const parent = (await broker.ask('write', 'auth/token/create', { policies: ['root'], ttl: '1h' })).auth!.reveal().client_token
    const child = (await broker.ask('write', 'auth/token/create', { ttl: '1h' }, parent)).auth!.reveal().client_token
    const issues = Array.from({ length: 4 }, () => lease(broker, child).catch(() => undefined))
    const revoked = broker.ask('write', 'auth/token/revoke', { token: parent })
    await Promise.all([...issues, revoked])
    await expect(lease(broker, child)).rejects.toMatchObject({ code: 'permission_denied' })
  }
  await broker.clock.advance('PT30S')
  expect(usersOf(broker.target)).toEqual([])
})

test('a host that slept issues again once a target has told the time, although nothing is due', async () => {
  const clock = new TestClock()
  const odd = oddBackend(async ({ leases }) => leases.map(() => ({ kind: 'gone' })), { now: async () => clock.now() })
  await using broker = await smallBroker({ clock, backends: [odd] })
  await broker.ask('write', 'sys/mounts/odd', { type: 'odd' })
  await broker.ask('read', 'odd/creds/plain')
  clock.step('PT10M')
  await expect(broker.ask('read', 'odd/creds/plain')).rejects.toMatchObject({ code: 'clock_suspect' })
  await clock.advance('PT5S')
  await expect(broker.ask('read', 'odd/creds/plain')).resolves.toMatchObject({ status: 200 })
  expect(broker.log.join('\n')).toContain('this host slept')
})

test('a target that hangs when it is asked for the time holds up no revocation', async () => {
  const clock = new TestClock()
  const odd = oddBackend(async ({ leases }) => leases.map(() => ({ kind: 'gone' })), {
    now: (_, signal) => new Promise((__, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
  })
  await using broker = await smallBroker({ clock, backends: [odd] })
  await withUsers(broker, { default_ttl: '10m' })
  for (const mount of ['one', 'two', 'three']) {
    await broker.ask('write', `sys/mounts/${mount}`, { type: 'odd' })
    await broker.ask('read', `${mount}/creds/plain`)
  }
  await lease(broker)
  await clock.advance('PT9M55S')
  clock.step('P1D')
  await clock.advance('PT10S')
  expect(usersOf(broker.target)).toEqual([])
})

test('a task that does not end is given up in its time, and runs again', async () => {
  let runs = 0
  const run = (_: unknown, __: unknown, signal: AbortSignal) => {
    runs++
    return new Promise<never>((___, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
  }
  await using broker = await smallBroker({ backends: [oddBackend(async () => [], {}, { run })] })
  await broker.ask('write', 'sys/mounts/odd', { type: 'odd' })
  await broker.ask('write', 'odd/task')
  await broker.clock.advance('PT65S')
  expect(broker.log.join('\n')).toContain('a task failed and will run again')
  await broker.clock.advance('PT30S')
  expect(runs).toBe(2)
})

test('a task that fails for the same reason again and again is one entry, and one line of the log', async () => {
  const task = { run: () => Promise.reject(new Error('no such right')) }
  await using broker = await smallBroker({ backends: [oddBackend(async () => [], {}, task)] })
  await broker.ask('write', 'sys/mounts/odd', { type: 'odd' })
  await broker.ask('write', 'odd/task')
  await broker.clock.leap('PT5M', 1_000)
  const lines = await broker.store.auditLines(0, 1_000)
  expect(lines.filter(({ line }) => line.includes('"operation":"task"'))).toHaveLength(1)
  expect(broker.log.filter(line => line.includes('a task failed'))).toHaveLength(1)
})

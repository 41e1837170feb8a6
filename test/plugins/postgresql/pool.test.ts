import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from 'mayfly/plugin'
import { expect, test } from 'vitest'
import { systemClock } from '../../../src/system-clock.ts'
import { issue, kinds, newUser, obstacle, openDriver, postgres, revoke, soon } from './kit.ts'

let count = 0

/** A driver whose connections can be told from those of other tests. */
function ownDriver(fields = {}, clock: Clock = systemClock) {
  count += 1
  const name = `pool-test-${process.pid}-${count}`
  const database = openDriver({ application_name: name, ...fields }, { clock })
  const connections = async () =>
    Number((await postgres.query('select count(*)::int as open from pg_stat_activity where application_name = $1', [name]))[0]?.['open'])
  return { database, connections }
}

/** An issue of which the server does this last. */
const issueWith = (statement: string) => newUser({ statements: [`create role "{{name}}"`, statement], memberOf: [] })

/** Of the latest driver's only connection. */
async function pid(): Promise<unknown> {
  const [row] = await postgres.query('select pid from pg_stat_activity where application_name = $1', [`pool-test-${process.pid}-${count}`])
  return row?.['pid']
}

async function settles(connections: () => Promise<number>, expected: number): Promise<void> {
  await expect.poll(connections).toBe(expected)
}

test('no connection is made before it is needed, and none beyond the limit', async () => {
  const { database, connections } = ownDriver({ max_open_connections: 3 })
  expect(await connections()).toBe(0)
  const users = await Promise.all(Array.from({ length: 12 }, () => issue(database)))
  expect(await connections()).toBeLessThanOrEqual(3)
  expect(await connections()).toBeGreaterThan(0)
  expect(
    kinds(
      await revoke(
        database,
        users.map(user => user.revoked)
      )
    )
  ).toEqual(users.map(() => 'gone'))
})

test('issuing never takes the last connection: a revocation goes on beside it', async () => {
  const { database } = ownDriver({ max_open_connections: 2 })
  const user = await issue(database)
  const { statement, reached, letGo } = await obstacle()
  let issued = 0
  const issuing = [issueWith(statement), issueWith('select 1')].map(one =>
    database.createUser(one, soon()).then(handle => ({ user: one, handle, at: ++issued }))
  )
  await reached()
  expect(kinds(await revoke(database, [user.revoked]))).toEqual(['gone'])
  expect(issued).toBe(0)
  await letGo()
  const done = await Promise.all(issuing)
  await revoke(
    database,
    done.map(({ user, handle }) => ({ name: user.name, mark: user.mark, handle }))
  )
})

test('of those who wait a revocation goes first', async () => {
  const { database } = ownDriver({ max_open_connections: 1 })
  const user = await issue(database)
  const order: string[] = []
  const note = (what: string) => () => void order.push(what)
  const { statement, reached, letGo } = await obstacle()
  const first = issueWith(statement)
  const second = issueWith('select 1')
  const holding = database.createUser(first, soon()).then(note('the one that holds the connection'))
  await reached()
  const issuing = database.createUser(second, soon()).then(note('issue'))
  const revoking = revoke(database, [user.revoked]).then(note('revoke'))
  await letGo()
  await Promise.all([holding, issuing, revoking])
  expect(order).toEqual(['the one that holds the connection', 'revoke', 'issue'])
  await revoke(
    database,
    [first, second].map(({ name, mark }) => ({ name, mark, handle: {} }))
  )
})

test('who waits for a connection can be interrupted, and leaves no gap', async () => {
  const { database } = ownDriver({ max_open_connections: 1 })
  const { statement, reached, letGo } = await obstacle()
  const first = issueWith(statement)
  const holding = database.createUser(first, soon())
  await reached()
  await expect(database.createUser(newUser(), AbortSignal.timeout(100))).rejects.toMatchObject({
    code: 'target_unreachable',
    message: 'no connection became free in time'
  })
  await letGo()
  await holding
  const next = await issue(database)
  await revoke(database, [next.revoked, { name: first.name, mark: first.mark, handle: {} }])
})

test('a connection that nobody uses is closed after five minutes', async () => {
  let [elapsed, wake] = [0, () => {}]
  const clock: Clock = {
    ...systemClock,
    elapsed: () => elapsed,
    sleep: (milliseconds, signal) =>
      milliseconds < 1_000
        ? systemClock.sleep(milliseconds, signal)
        : new Promise((resolve, reject) => {
            wake = resolve
            signal?.addEventListener('abort', () => reject(signal.reason as Error))
          })
  }
  const { database, connections } = ownDriver({}, clock)
  await database.now(soon())
  elapsed = 4 * 60_000
  wake()
  await wait(100)
  expect(await connections()).toBe(1)
  elapsed = 5 * 60_000
  wake()
  await settles(connections, 0)
  await database.now(soon())
  expect(await connections()).toBe(1)
})

test('a connection older than its lifetime is not used again', async () => {
  let elapsed = 0
  const { database, connections } = ownDriver({ max_connection_lifetime: '1m' }, { ...systemClock, elapsed: () => elapsed })
  await database.now(soon())
  const before = await pid()
  elapsed = 59_000
  await database.now(soon())
  expect(await pid()).toBe(before)
  elapsed = 61_000
  await database.now(soon())
  await settles(connections, 1)
  expect(await pid()).not.toBe(before)
})

test('no idle connection is kept when none may be', async () => {
  const { database, connections } = ownDriver({ max_idle_connections: -1 })
  await database.now(soon())
  await settles(connections, 0)
})

test('closing ends what is open, and refuses what comes after', async () => {
  const { database, connections } = ownDriver({ max_open_connections: 2 })
  const { statement, reached, letGo } = await obstacle()
  const running = database.createUser(issueWith(statement), soon())
  const waiting = database.createUser(newUser(), soon())
  await reached()
  const refused = expect(Promise.allSettled([running, waiting])).resolves.toMatchObject([{ status: 'rejected' }, { status: 'rejected' }])
  await database[Symbol.asyncDispose]()
  await refused
  await letGo()
  await settles(connections, 0)
  await expect(database.now(soon())).rejects.toMatchObject({ code: 'target_unreachable' })
})

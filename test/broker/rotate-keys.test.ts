import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { usersOf } from '../../plugins/memory/target.ts'
import { rotationDue } from '../../src/broker/keys/rotation-policy.ts'
import type { CrashPoint } from '../../src/broker/crash-point.ts'
import { openMemory } from '../../src/store/sqlite/open.ts'
import { sealedTables } from '../../src/store/store.ts'
import type { Store } from '../../src/store/store.ts'
import { dataOf, lease, smallBroker, withUsers } from './small-broker.ts'
import type { SmallBroker } from './small-broker.ts'

let broker: SmallBroker
beforeEach(async () => {
  broker = await smallBroker({ seal: 'shamir' })
  await withUsers(broker, { default_ttl: '10h', max_ttl: '20h' })
})
afterEach(() => broker[Symbol.asyncDispose]())

const status = async () => dataOf(await broker.ask('read', 'sys/key-status'))

/** Which keys the rows of the store name, and how often. */
async function keysNamed(store: Store): Promise<Record<number, number>> {
  const named: Record<number, number> = {}
  for (const table of sealedTables) {
    for (let cursor = ''; ;) {
      const { rows, next } = await store.sealedPage(table, cursor, 2 ** 32 - 1, 1_000)
      for (const { value } of rows) {
        const id = Buffer.from(value).readUInt32BE(1)
        named[id] = (named[id] ?? 0) + 1
      }
      if (next === undefined) break
      cursor = next
    }
  }
  return named
}

/** Time that passes while nothing works: the clock need not be wound through every turn of every loop. */
async function away(duration: string): Promise<void> {
  await broker.life.seal()
  await broker.clock.advance(duration)
  await broker.unseal()
  await broker.clock.advance('PT61S')
}

const cut = () => Promise.reject(new Error('cut here'))

/** Lets the pass come to its end. */
async function untilResealed(): Promise<void> {
  for (let turn = 0; turn < 100 && (await status()).oldest_term !== (await status()).term; turn++) await broker.clock.advance('PT30S')
}

describe('rotation', () => {
  test('a new key seals, and what the old one sealed still opens', async () => {
    const before = await lease(broker)
    await broker.ask('write', 'sys/rotate')
    expect(await status()).toMatchObject({ term: 2, oldest_term: 1, resealing: null, encryptions: 0 })
    await lease(broker)
    expect((await status()).encryptions).toBeGreaterThan(0)
    await broker.ask('write', 'sys/leases/revoke', { lease_id: before.lease })
    expect(usersOf(broker.target)).toHaveLength(1)
  })

  test('in the background every row is sealed under the newest key, and then the older keys are gone, also for the next run', async () => {
    const held = [await lease(broker), await lease(broker), await lease(broker)]
    await broker.ask('write', 'sys/rotate/keyring')
    await broker.ask('write', 'sys/rotate')
    const old = await keysNamed(broker.store)
    await untilResealed()
    expect(old[1]).toBeGreaterThan(5)
    expect(Object.keys(await keysNamed(broker.store))).toEqual(['3'])
    expect(await status()).toMatchObject({ term: 3, oldest_term: 3, resealing: null })
    await broker.life.seal()
    await broker.unseal()
    expect(dataOf(await broker.ask('read', 'users/roles/app'))).toBeTruthy()
    await Promise.all(held.map(({ lease: id }) => broker.ask('write', 'sys/leases/revoke', { lease_id: id })))
    expect(usersOf(broker.target)).toEqual([])
    const trail = (await broker.store.auditLines(0, 10_000)).map(({ line }) => line).filter(line => line.includes('"operation":"key"'))
    expect(trail.map(line => /"key":(\{[^}]*\})/.exec(line)?.[1])).toEqual([
      '{"change":"rotated","term":2,"cause":"manual"}',
      '{"change":"rotated","term":3,"cause":"manual"}',
      '{"change":"dropped","term":2}'
    ])
  })

  test('what was sealed before a rotation and comes to its commit after the pass began is refused, not lost', async () => {
    const parts = broker.life.parts()!
    const late = parts.barrier.sealJson({ table: 'entry', row: 'system\nlate', column: 'value' }, 'late')
    const put = () => broker.store.commit([{ kind: 'entry.put', now: broker.clock.now(), space: 'system', key: 'late', value: late }], [])
    await broker.ask('write', 'sys/rotate')
    await put()
    await untilResealed()
    await expect(put()).rejects.toMatchObject({ code: 'conflict', message: 'the keys were rotated meanwhile; try again' })
    expect(Object.keys(await keysNamed(broker.store))).toEqual(['2'])
  })

  test('a row that does not open keeps its key in the keyring, and the others are sealed anew all the same', async () => {
    const value = broker.life.parts()!.barrier.sealJson({ table: 'entry', row: 'elsewhere', column: 'value' }, 'moved')
    await broker.store.commit([{ kind: 'entry.put', now: broker.clock.now(), space: 'system', key: 'broken', value }], [])
    await broker.ask('write', 'sys/rotate')
    for (let turn = 0; turn < 20; turn++) await broker.clock.advance('PT30S')
    expect(await status()).toMatchObject({ term: 2, oldest_term: 1 })
    expect((await keysNamed(broker.store))[1]).toBe(1)
    expect(broker.log.filter(line => line.includes('does not open')).length).toBeGreaterThan(0)
  })

  test('a seal of shares has no key of its own to rotate', async () => {
    await expect(broker.ask('write', 'sys/rotate/seal')).rejects.toMatchObject({ code: 'invalid_request' })
  })

  test('two at once are two', async () => {
    await Promise.all([broker.ask('write', 'sys/rotate'), broker.ask('write', 'sys/rotate')])
    expect(await status()).toMatchObject({ term: 3 })
  })
})

describe('rotation by itself', () => {
  test('comes when the interval is over, and not when it is switched off', async () => {
    await broker.ask('write', 'sys/rotate/config', { interval: '48h' })
    expect(dataOf(await broker.ask('read', 'sys/rotate/config'))).toEqual({
      max_operations: 3_865_470_566,
      interval: '48h0m0s',
      enabled: true
    })
    await away('PT47H')
    expect(await status()).toMatchObject({ term: 1 })
    await away('PT1H')
    expect(await status()).toMatchObject({ term: 2 })
    await broker.ask('write', 'sys/rotate/config', { enabled: false })
    await away('PT49H')
    expect(await status()).toMatchObject({ term: 2 })
  })

  test('refuses limits that would wear a key out or rotate without end, and changes nothing then', async () => {
    for (const wrong of [
      { max_operations: 999_999 },
      { max_operations: 3_865_470_567 },
      { interval: '1h' },
      { interval: '48h', max_operations: 1 }
    ])
      await expect(broker.ask('write', 'sys/rotate/config', wrong)).rejects.toMatchObject({ code: 'invalid_request' })
    expect(dataOf(await broker.ask('read', 'sys/rotate/config'))).toEqual({ max_operations: 3_865_470_566, interval: 0, enabled: true })
  })
})

describe('counting', () => {
  test('an end in order keeps the exact count', async () => {
    const { encryptions } = await status()
    expect(encryptions).toBeLessThan(100)
    await broker.life.seal()
    await broker.unseal()
    expect((await status()).encryptions).toBe(encryptions)
  })
})

test('a rotation whose outcome was not heard of has happened, and the next one follows it', async () => {
  let armed = false
  await using other = await smallBroker({ at: here => (armed && here === 'keys:after-commit' ? cut() : undefined) })
  await withUsers(other)
  armed = true
  await expect(other.ask('write', 'sys/rotate')).rejects.toThrow('cut here')
  armed = false
  await other.ask('write', 'sys/rotate')
  expect(dataOf(await other.ask('read', 'sys/key-status'))).toMatchObject({ term: 3, oldest_term: 1 })
  const held = await lease(other)
  await other.ask('write', 'sys/leases/revoke', { lease_id: held.lease })
  expect(usersOf(other.target)).toEqual([])
})

test.each([
  [{ maxOperations: 1_000_000, interval: 0, enabled: true }, 999_999, 1_000, undefined],
  [{ maxOperations: 1_000_000, interval: 0, enabled: true }, 1_000_000, 0, 'operations'],
  [{ maxOperations: 1_000_000, interval: 0, enabled: false }, 3_865_470_565, 1_000, undefined],
  [{ maxOperations: 1_000_000, interval: 0, enabled: false }, 3_865_470_566, 0, 'operations'],
  [{ maxOperations: 1_000_000, interval: 86_400, enabled: true }, 0, 23, undefined],
  [{ maxOperations: 1_000_000, interval: 86_400, enabled: true }, 0, 24, 'interval'],
  [{ maxOperations: 1_000_000, interval: 86_400, enabled: false }, 0, 1_000, undefined]
] as const)('%j after %d encryptions and %d hours: %s', (policy, encryptions, hours, due) => {
  const installedAt = Temporal.Instant.from('2026-11-25T12:00:00Z')
  expect(rotationDue(policy, { encryptions, installedAt }, installedAt.add({ hours }))).toBe(due)
})

test('no key seals before it is stored, and none is lost, wherever a rotation is cut', async () => {
  for (const point of ['rotate:before-commit', 'keys:after-commit'] satisfies CrashPoint[]) {
    const store = await openMemory()
    let armed = false
    await using other = await smallBroker({ store, seal: 'shamir', at: here => (armed && here === point ? cut() : undefined) })
    await withUsers(other)
    armed = true
    await expect(other.ask('write', 'sys/rotate')).rejects.toThrow('cut here')
    armed = false
    await other.life.seal()
    await other.unseal()
    const held = await lease(other)
    expect(dataOf(await other.ask('read', 'sys/key-status')).term).toBe(point === 'rotate:before-commit' ? 1 : 2)
    await other.ask('write', 'sys/leases/revoke', { lease_id: held.lease })
    expect(usersOf(other.target)).toEqual([])
  }
})

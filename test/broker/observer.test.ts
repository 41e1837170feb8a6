import { expect, test } from 'vitest'
import type { CredentialLife, Json, Usage } from '../../src/contracts/index.ts'
import { BrokerError } from '../../src/contracts/index.ts'
import { oddBackend } from './odd-backend.ts'
import { dataOf, smallBroker } from './small-broker.ts'
import type { SmallBroker } from './small-broker.ts'

type Observe = NonNullable<CredentialLife['observe']>

async function observedBroker(observe: Observe): Promise<SmallBroker> {
  const broker = await smallBroker({
    backends: [oddBackend(async ({ leases }) => leases.map(() => ({ kind: 'gone' })), { observe })]
  })
  await broker.ask('write', 'sys/mounts/odd', { type: 'odd' })
  return broker
}

const issued = async (broker: SmallBroker) => (await broker.ask('read', 'odd/creds/plain')).lease!.id
const lookup = async (broker: SmallBroker, id: string) => dataOf(await broker.ask('write', 'sys/leases/lookup', { lease_id: id }))
const nameOf = (handle: Json) => (handle as { name: string }).name

/** The first round of a target comes at a random moment of a period, and the next may come soon after the period. */
async function untilFirst(broker: SmallBroker, looked: () => boolean): Promise<void> {
  while (!looked()) await broker.clock.advance('PT10S')
  await broker.clock.advance('PT2M')
}

test('what a target tells of the use of its credentials is kept with their leases', async () => {
  const seen = new Map<string, Usage | null>()
  let looks = 0
  await using broker = await observedBroker(async (_, handles) => {
    looks++
    return handles.map(handle => seen.get(nameOf(handle)) ?? null)
  })
  const [used, idle] = [await issued(broker), await issued(broker)]
  const at = broker.clock.now().add({ minutes: 1 })
  seen.set('odd-1', { lastSeen: at, from: ['eu-central-1 s3'] })
  await broker.clock.advance('PT16M')
  expect(await lookup(broker, used)).toMatchObject({
    first_seen: at.toString(),
    last_seen: at.toString(),
    uses: 1,
    seen_from: ['eu-central-1 s3']
  })
  expect(await lookup(broker, idle)).toMatchObject({ first_seen: null, uses: 0, seen_from: [] })
  const later = at.add({ minutes: 20 })
  seen.set('odd-1', { lastSeen: later })
  await broker.clock.advance('PT19M')
  expect(await lookup(broker, used)).toMatchObject({ first_seen: at.toString(), last_seen: later.toString(), uses: 2 })
  seen.set('odd-1', { lastSeen: later, uses: 17 })
  await broker.clock.advance('PT19M')
  expect(await lookup(broker, used)).toMatchObject({ last_seen: later.toString(), uses: 17 })
  expect(looks).toBeGreaterThanOrEqual(3)
  expect(looks).toBeLessThanOrEqual(5)
})

test('a handle that does not open keeps nobody from asking for the others, and is not asked for', async () => {
  const asked: string[] = []
  await using broker = await observedBroker(async (_, handles) => {
    asked.push(...handles.map(nameOf))
    return handles.map(() => ({ lastSeen: broker.clock.now() }))
  })
  const [, other] = [await issued(broker), await issued(broker)]
  const named = broker.store.leasesNamed.bind(broker.store)
  broker.store.leasesNamed = async names =>
    (await named(names)).map(lease => (lease.name === 'odd-1' ? { ...lease, handle: new Uint8Array(64) } : lease))
  await untilFirst(broker, () => asked.length > 0)
  expect(asked).toEqual(['odd-2'])
  expect(await lookup(broker, other)).toMatchObject({ uses: 1 })
})

test('many are asked for in pages, each once a round', async () => {
  const pages: number[] = []
  await using broker = await observedBroker(async (_, handles) => {
    pages.push(handles.length)
    return handles.map(() => null)
  })
  for (let i = 0; i < 250; i++) await issued(broker)
  await untilFirst(broker, () => pages.length > 0)
  expect(pages).toEqual([100, 100, 50])
})

test('a target that fails is left alone until its next round, and no lease is charged', async () => {
  let looks = 0
  await using broker = await observedBroker(async () => {
    looks++
    throw new BrokerError('target_unreachable', 'nobody there')
  })
  for (let i = 0; i < 250; i++) await issued(broker)
  await untilFirst(broker, () => looks > 0)
  expect(looks).toBe(1)
  const id = await issued(broker)
  expect(await lookup(broker, id)).toMatchObject({ state: 'active', uses: 0 })
})

test.for<readonly [string, unknown]>([
  ['no list', 'all of them'],
  ['a shorter list', []],
  ['no usage', [17]],
  ['times that are none', [{ lastSeen: 'yesterday', uses: -1, from: 'somewhere' }]]
])('%s from a backend changes nothing', async ([, told]) => {
  await using broker = await observedBroker(async () => told as Usage[])
  const id = await issued(broker)
  await broker.clock.advance('PT19M')
  expect(await lookup(broker, id)).toMatchObject({ state: 'active', first_seen: null, last_seen: null, uses: 0, seen_from: [] })
})

test('where something is to be revoked, observing waits', async () => {
  let revoking = true
  let looks = 0
  await using broker = await smallBroker({
    backends: [
      oddBackend(
        async ({ leases }) => {
          if (revoking) throw new BrokerError('target_unreachable', 'nobody there')
          return leases.map(() => ({ kind: 'gone' }))
        },
        {
          observe: async (_, handles) => {
            looks++
            return handles.map(() => null)
          }
        }
      )
    ]
  })
  await broker.ask('write', 'sys/mounts/odd', { type: 'odd' })
  const [id] = [await issued(broker), await issued(broker)]
  await broker.ask('write', 'sys/leases/revoke', { lease_id: id, sync: false })
  await broker.clock.advance('PT40M')
  expect(looks).toBe(0)
  revoking = false
  await broker.clock.advance('PT40M')
  expect(looks).toBeGreaterThan(0)
})

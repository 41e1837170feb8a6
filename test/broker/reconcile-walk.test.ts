import { expect, test } from 'vitest'
import type { LeaseId, TargetId } from '../../src/contracts/index.ts'
import { handlePlace, recipePlace } from '../../src/broker/leases/lease-rows.ts'
import type { Lease } from '../../src/lease/lease.ts'
import { oddBackend } from './odd-backend.ts'
import { dataOf, smallBroker } from './small-broker.ts'
import type { SmallBroker } from './small-broker.ts'

const many = 10_050

/** A target that lists nothing, and very many leases there. */
async function crowdedBroker(): Promise<SmallBroker> {
  const odd = oddBackend(async ({ leases }) => leases.map(() => ({ kind: 'gone' })), { list: async function* () {} })
  const broker = await smallBroker({ backends: [odd] })
  await broker.ask('write', 'sys/mounts/odd', { type: 'odd' })
  const { lease } = await broker.ask('read', 'odd/creds/plain')
  const like = (await broker.store.lease(lease!.id as LeaseId))!
  const { barrier } = broker.life.parts()!
  const recipe = barrier.sealJson(recipePlace(like.recipe), 'plain')
  for (let from = 0; from < many; from += 1_000) {
    const leases = Array.from({ length: Math.min(1_000, many - from) }, (_, i) => another(like, from + i))
    await broker.store.commit(
      leases.map(lease => ({ kind: 'lease.begin', now: like.issuedAt, lease, recipe }) as const),
      []
    )
  }
  return broker

  function another(lease: Lease, n: number): Lease {
    const id = `odd/creds/plain/${String(n).padStart(24, '0')}` as LeaseId
    return { ...lease, id, name: `crowd-${n}`, handle: barrier.sealJson(handlePlace(id), { name: `crowd-${n}` }), version: 1 }
  }
}

test('a long walk rests, does not begin in the first minute, and finds every lease without its object', async () => {
  await using broker = await crowdedBroker()
  const pages: number[] = []
  const activeNames = broker.store.activeNames.bind(broker.store)
  broker.store.activeNames = async (...asked) => {
    pages.push(broker.clock.elapsed())
    return activeNames(...asked)
  }
  const { reconciler } = broker.life.parts()!
  const looked = reconciler.run({ leisure: true })
  await broker.clock.advance('PT59S')
  expect(pages).toEqual([])
  await broker.clock.advance('PT1S')
  expect(pages).toEqual([60_000])
  await broker.clock.advance('PT10S')
  const [report] = (await looked).targets
  expect(report).toMatchObject({ missingCount: many + 1, listed: 0 })
  expect(report!.missing).toHaveLength(1_000)
  expect(pages).toHaveLength(Math.ceil((many + 1) / 250))
  expect(new Set(pages).size).toBe(pages.length)
})

test('who waits for a comparison does not wait for rests, and a target in the middle of a walk ends with its broker', async () => {
  await using broker = await crowdedBroker()
  const { reconciler } = broker.life.parts()!
  const slowly = reconciler.run({ leisure: true }).catch((error: unknown) => error)
  await broker.clock.advance('PT60S')
  const { targets } = dataOf(await broker.ask('write', 'sys/reconcile'))
  expect(targets).toMatchObject([{ target: expect.any(String) as TargetId, missingCount: many + 1 }])
  broker.life.parts()!.sealNow()
  expect(await slowly).toMatchObject({ name: 'AbortError' })
})

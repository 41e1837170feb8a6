import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LeaseId } from '../../../src/contracts/index.ts'
import type { Lease } from '../../../src/lease/lease.ts'
import { World, bytes } from './world.ts'
import type { OpenStore } from './world.ts'

/** What happens at the same time. Every property states what must hold in any order. */
export function races(open: OpenStore): void {
  describe('races', () => {
    test('a renewal never succeeds once revoking is committed, and a renewed lease is never claimed on its old time', async () => {
      const steps = fc.array(fc.constantFrom('renew', 'claim', 'due', 'gone', 'failed', 'early'), { minLength: 1, maxLength: 4 })
      const turn = fc.oneof({ weight: 3, arbitrary: steps }, { weight: 1, arbitrary: fc.constantFrom(['minute'], ['half an hour']) })
      await using world = await World.open(open)
      const token = await world.token({ expiresAt: null })
      await fc.assert(
        fc.asyncProperty(fc.array(turn, { maxLength: 12 }), async turns => {
          const { id } = await world.active(token)
          for (const turn of turns) await together(world, id, turn)
          await world.change({ kind: 'lease.force', prefix: id, by: 'test', limit: 1 })
        }),
        { numRuns: 50 }
      )
    })

    test("whatever wins between a token's revocation and issuing below it, no lease stays that nobody ends", async () => {
      await using world = await World.open(open)
      await fc.assert(
        fc.asyncProperty(
          fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 8 }),
          fc.integer({ min: 1, max: 3 }),
          async (order, batch) => {
            const root = await world.token({ expiresAt: null })
            const parent = await world.token({ parent: root.hash, expiresAt: null })
            const token = await world.token({ parent: parent.hash, expiresAt: null })
            const begun = [await world.begin(token), await world.begin(token), await world.begin(token)]
            const fresh = [world.newLease(token), world.newLease(token), world.newLease(token)]
            const steps = [
              ...begun.map(lease => () => world.activate(lease)),
              ...fresh.map(
                lease => () => world.change({ kind: 'lease.begin', lease, recipe: bytes('r') }).then(() => world.activate(lease))
              ),
              () => world.change({ kind: 'token.end', hash: parent.hash, cause: 'token-revoked', by: '' }),
              () => world.change({ kind: 'token.use', hash: token.hash })
            ]
            await Promise.allSettled(order.map(index => steps[index]!()))
            await world.cascade(batch)
            for (const { id } of [...begun, ...fresh]) {
              const lease = await world.store.lease(id)
              if (lease) expect(lease).toMatchObject({ cause: 'token-revoked', dueAt: world.now })
            }
            await expect(world.begin(token)).rejects.toMatchObject({ code: 'permission_denied' })
          }
        ),
        { numRuns: 30 }
      )
    })

    test('counts equal reality after any sequence', async () => {
      const step = fc.constantFrom('begin', 'activate', 'due', 'claim', 'gone', 'failed', 'early', 'force', 'prune', 'cascade')
      await using world = await World.open(open)
      const token = await world.token({ expiresAt: null })
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), async steps => {
          for (const step of steps) await anyStep(world, token, step)
          const real = new Map<string, number>()
          for (const { mount, state } of await world.store.holdings({ ended: true }, '', 10_000))
            real.set(`${mount} ${state}`, (real.get(`${mount} ${state}`) ?? 0) + 1)
          const counted = (await world.store.leaseCounts()).map(({ mount, state, count }) => [`${mount} ${state}`, count] as const)
          expect(new Map(counted)).toEqual(real)
        }),
        { numRuns: 30 }
      )
    })

    test('of 20,000 due leases each is claimed exactly once, however many claim', { timeout: 120_000 }, async () => {
      await using world = await World.open(open)
      const token = await world.token({ expiresAt: null })
      const all = new Set<string>()
      for (let batch = 0; batch < 100; batch++) {
        const leases = Array.from({ length: 200 }, () => world.newLease(token))
        for (const { id } of leases) all.add(id)
        await world.store.commit(
          leases.map(lease => ({ kind: 'lease.begin', now: world.now, lease, recipe: bytes('r') })),
          []
        )
      }
      world.advance({ minutes: 1 })
      const claimed: string[] = []
      const worker = async () => {
        for (;;) {
          const leases = await world.claim({ limit: 333 })
          if (leases.length === 0) return
          claimed.push(...leases.map(({ id }) => id))
          expect(await world.settle(leases, { outcome: 'gone' })).toBe(leases.length)
        }
      }
      await Promise.all(Array.from({ length: 8 }, worker))
      expect(claimed).toHaveLength(20_000)
      expect(new Set(claimed)).toEqual(all)
      expect(await world.store.leaseCounts()).toEqual([{ mount: 'mount-1', state: 'revoked', count: 20_000 }])
    })
  })
}

/** Starts every step of a turn before any has answered, then checks what each was told against what the row says. */
async function together(world: World, id: LeaseId, turn: readonly string[]): Promise<void> {
  const before = await world.lease(id)
  const told = await Promise.all(turn.map(step => leaseStep(world, before, step)))
  const after = await world.lease(id)
  const renewedTo = told.filter(({ step, done }) => step === 'renew' && done)
  const claims = told.filter(({ step, done }) => step === 'claim' && done)
  if (before.state !== 'active' || before.cause !== null) expect(renewedTo).toEqual([])
  expect(renewedTo.length).toBeLessThanOrEqual(1)
  expect(claims.length).toBeLessThanOrEqual(1)
  if (renewedTo.length === 1 && !turn.includes('due')) expect(claims).toEqual([])
  if (before.state === 'revoked') expect(after).toEqual(before)
  expect(after.version).toBeGreaterThanOrEqual(before.version)
}

async function leaseStep(world: World, lease: Lease, step: string): Promise<{ step: string; done: boolean }> {
  const again = world.in({ seconds: 5 })
  const { id, version } = lease
  switch (step) {
    case 'renew': {
      const renewal = world.change({ kind: 'lease.renew', id, version, expiresAt: world.in({ minutes: 40 }) })
      return {
        step,
        done: await renewal.then(
          ({ applied }) => applied,
          () => false
        )
      }
    }
    case 'claim':
      return { step, done: (await world.claim({ until: again })).some(claimed => claimed.id === id) }
    case 'due':
      return { step, done: (await world.due(id)).applied }
    case 'gone':
      return { step, done: (await world.settle([lease], { outcome: 'gone' })) === 1 }
    case 'failed':
      return { step, done: (await world.settle([lease], { outcome: 'failed', again, error: 'no' })) === 1 }
    case 'early':
      return { step, done: (await world.settle([lease], { outcome: 'early', again })) === 1 }
    default:
      world.advance(step === 'minute' ? { minutes: 1 } : { minutes: 30 })
      return { step, done: true }
  }
}

async function anyStep(world: World, token: Parameters<World['begin']>[0], step: string): Promise<void> {
  const [some] = await world.store.holdings({}, '', 1)
  world.advance({ seconds: 1 })
  switch (step) {
    case 'begin':
      await world.begin(token, { mount: (world.now.epochMilliseconds / 1_000) % 2 ? 'mount-1' : 'mount-2' })
      return
    case 'activate':
      await world.activate(await world.begin(token))
      return
    case 'force':
      await world.change({ kind: 'lease.force', prefix: '', by: 'ops', limit: 1 })
      return
    case 'prune':
      await world.change({ kind: 'history.prune', before: world.now, limit: 3 })
      return
    case 'cascade':
      await world.change({ kind: 'cascade.open', selector: { kind: 'prefix', prefix: 'database/' }, cause: 'prefix', by: '' })
      await world.cascade()
      return
    case 'claim':
      await world.claim({ limit: 2 })
      return
    case 'due':
      if (some) await world.due(some.id)
      return
    default:
      if (some) await leaseStep(world, some, step)
  }
}

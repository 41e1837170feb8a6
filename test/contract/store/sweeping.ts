import { describe, expect, test } from 'vitest'
import type { TargetId } from '../../../src/contracts/index.ts'
import { stuckAfterFailures } from '../../../src/lease/lease.ts'
import type { Lease } from '../../../src/lease/lease.ts'
import { World } from './world.ts'
import type { OpenStore } from './world.ts'

export function sweeping(open: OpenStore): void {
  describe('sweeping', () => {
    test('a lease is due at its end, an issuing one when its grace is over', async () => {
      await using world = await World.open(open)
      const token = await world.token()
      const issuing = await world.begin(token)
      const active = await world.active(token)
      const work = await world.store.dueWork(world.now)
      expect(work.targets).toEqual([])
      expect(work.next).toEqual(issuing.dueAt)
      expect(await world.claim()).toEqual([])
      world.advance({ seconds: 30 })
      expect((await world.claim()).map(({ id, cause }) => [id, cause])).toEqual([[issuing.id, 'issue-failed']])
      world.now = active.expiresAt
      expect((await world.claim({ until: world.in({ minutes: 1 }) })).map(({ id, cause }) => [id, cause])).toContainEqual([
        active.id,
        'expired'
      ])
    })

    test("a claimed lease is nobody else's until the claim is over, and then the first claim settles nothing", async () => {
      await using world = await World.open(open)
      const lease = await world.active(await world.token())
      await world.due(lease.id)
      const [first] = await world.claim()
      expect(first).toMatchObject({ state: 'revoking', version: 4, cause: 'manual' })
      expect(await world.claim()).toEqual([])
      expect(await world.store.dueWork(world.now)).toMatchObject({ targets: [], next: world.in({ minutes: 1 }) })
      world.advance({ minutes: 1 })
      const [second] = await world.claim()
      expect(second?.version).toBe(5)
      expect(await world.settle([first!], { outcome: 'gone' })).toBe(0)
      expect(await world.settle([second!], { outcome: 'gone' })).toBe(1)
      expect(await world.settle([second!], { outcome: 'gone' })).toBe(0)
      expect(await world.lease(lease.id)).toMatchObject({ state: 'revoked', revokedAt: world.now, endedAt: world.now, forcedBy: null })
    })

    test('a lease settles only while it is claimed', async () => {
      await using world = await World.open(open)
      const lease = await world.active(await world.token())
      for (const outcome of ['gone', 'early'] as const) {
        expect(await world.settle([lease], outcome === 'gone' ? { outcome } : { outcome, again: world.now })).toBe(0)
      }
      expect(await world.lease(lease.id)).toEqual(lease)
    })

    test('each outcome leaves what the next try needs', async () => {
      await using world = await World.open(open)
      const lease = await world.active(await world.token())
      await world.due(lease.id)
      const again = () => world.in({ minutes: 1 })
      const settled = async (outcome: Parameters<World['settle']>[1]): Promise<Lease> => {
        const claimed = await world.claim({ until: world.in({ seconds: 50 }) })
        expect(await world.settle(claimed, outcome)).toBe(1)
        return world.lease(lease.id)
      }
      const long = 'x'.repeat(1_000)
      expect(await settled({ outcome: 'failed', again: again(), error: long })).toMatchObject({
        state: 'revoking',
        failures: 1,
        lastError: long.slice(0, 240),
        dueAt: again(),
        endedAt: null
      })
      world.advance({ minutes: 1 })
      expect(await settled({ outcome: 'outlives', until: world.in({ hours: 1 }), again: again(), why: 'a session' })).toMatchObject({
        state: 'revoking',
        failures: 0,
        dueAt: again(),
        endedAt: null,
        outlivesUntil: world.in({ hours: 1 })
      })
      world.advance({ minutes: 1 })
      const endedAt = world.now
      expect(await settled({ outcome: 'ended', again: again(), waiting: 'a second look' })).toMatchObject({
        state: 'revoking',
        dueAt: again(),
        endedAt
      })
      world.advance({ minutes: 1 })
      expect(await settled({ outcome: 'ended', again: again(), waiting: 'a third look' })).toMatchObject({ endedAt })
      expect(await world.due(lease.id)).toMatchObject({ applied: true })
      expect(await settled({ outcome: 'gone' })).toMatchObject({ state: 'revoked', endedAt, revokedAt: world.now, cause: 'manual' })
    })

    test('a lease that is not due by the clock of its target is given back as it was', async () => {
      await using world = await World.open(open)
      const lease = await world.active(await world.token())
      const ahead = world.in({ hours: 2 })
      const [claimed] = await world.claim({ dueBefore: ahead })
      expect(await world.settle([claimed!], { outcome: 'early', again: lease.expiresAt })).toBe(1)
      const back = await world.lease(lease.id)
      expect(back).toEqual({ ...lease, version: lease.version + 2 })
      await world.change({ kind: 'lease.renew', id: lease.id, version: back.version, expiresAt: world.in({ hours: 3 }) })
    })

    test('a revocation that was asked for while the lease was claimed is not lost when it is given back', async () => {
      await using world = await World.open(open)
      const lease = await world.active(await world.token())
      const [claimed] = await world.claim({ dueBefore: world.in({ hours: 2 }) })
      expect(await world.due(lease.id, 'manual')).toMatchObject({ applied: true })
      expect(await world.settle([claimed!], { outcome: 'early', again: lease.expiresAt })).toBe(1)
      expect(await world.lease(lease.id)).toMatchObject({ cause: 'manual', dueAt: world.now })
      expect(await world.claim()).toMatchObject([{ id: lease.id, cause: 'manual' }])
    })

    test('a revocation that was asked for while the target of a claimed lease was down is not lost when the lease is given back', async () => {
      await using world = await World.open(open)
      const lease = await world.active(await world.token())
      const claimed = await world.claim({ dueBefore: world.in({ hours: 2 }) })
      await world.change({ kind: 'target.failed', target: lease.target, retryAt: world.now, error: 'down', leases: claimed })
      expect(await world.due(lease.id, 'manual')).toMatchObject({ applied: true })
      const [again] = await world.claim({ dueBefore: world.in({ hours: 2 }) })
      expect(await world.settle([again!], { outcome: 'early', again: lease.expiresAt })).toBe(1)
      expect(await world.claim()).toMatchObject([{ id: lease.id, cause: 'manual' }])
    })

    test('a target that fails as a whole waits by itself, and charges no lease', async () => {
      await using world = await World.open(open)
      const token = await world.token()
      const leases = [await world.active(token), await world.active(token), await world.active(token, { target: 'target-2' as TargetId })]
      for (const { id } of leases) await world.due(id)
      const claimed = await world.claim()
      const failed = (leases: readonly Lease[], retryAt: Temporal.Instant) =>
        world.change({
          kind: 'target.failed',
          target: 'target-1' as TargetId,
          retryAt,
          error: 'connection refused',
          leases,
          audit: ['{"n":"opened"}']
        })
      expect(await failed(claimed, world.in({ seconds: 10 }))).toMatchObject({ applied: true, count: 2 })
      expect(await world.settle(claimed, { outcome: 'gone' })).toBe(0)
      expect(await world.store.target('target-1' as TargetId)).toMatchObject({
        failures: 1,
        failingSince: world.now,
        retryAt: world.in({ seconds: 10 }),
        lastError: 'connection refused'
      })
      const work = await world.store.dueWork(world.now)
      expect(work.targets.map(({ target }) => target.id)).toEqual(['target-2'])
      expect(work.next).toEqual(world.in({ seconds: 10 }))
      const since = world.now
      world.advance({ seconds: 10 })
      expect((await world.store.dueWork(world.now)).targets.map(({ target }) => target.id)).toEqual(['target-1', 'target-2'])
      const again = await world.claim()
      expect(again.map(({ failures }) => failures)).toEqual([0, 0])
      await failed(again, world.in({ minutes: 10 }))
      expect(await world.store.target('target-1' as TargetId)).toMatchObject({ failures: 2, failingSince: since })
      const recovered = await world.change({ kind: 'target.recovered', target: 'target-1' as TargetId })
      expect(recovered).toMatchObject({ applied: true, count: 2 })
      expect(await world.change({ kind: 'target.recovered', target: 'target-1' as TargetId })).toMatchObject({ applied: false })
      expect(await world.claim()).toHaveLength(2)
    })

    test('stuck is a lease that failed by itself, or one whose target has failed for long', async () => {
      await using world = await World.open(open)
      const token = await world.token()
      const own = await world.active(token)
      const waits = await world.active(token, { target: 'target-2' as TargetId, mount: 'mount-2' })
      const fine = await world.active(token, { target: 'target-2' as TargetId, mount: 'mount-2' })
      await world.due(own.id)
      await world.due(waits.id)
      for (let i = 0; i < stuckAfterFailures; i++) {
        expect((await world.store.stuck(world.now, 10)).leases).toEqual([])
        expect(await world.settle(await world.claim(), { outcome: 'failed', again: world.now, error: 'no' })).toBe(1)
      }
      expect((await world.store.stuck(world.now, 10)).leases.map(({ id }) => id)).toEqual([own.id])
      await world.change({ kind: 'target.failed', target: 'target-2' as TargetId, retryAt: world.now, error: 'down', leases: [] })
      const { leases, counts } = await world.store.stuck(world.now, 10)
      expect(leases.map(({ id }) => id)).toEqual([own.id, waits.id])
      expect(counts).toEqual({ 'mount-1': 1, 'mount-2': 1 })
      expect(leases.map(({ id }) => id)).not.toContain(fine.id)
      expect((await world.store.stuck(world.in({ seconds: -1 }), 10)).counts).toEqual({ 'mount-1': 1 })
      const [trying] = await world.claim({ target: waits.target })
      expect(trying?.id).toBe(waits.id)
      expect((await world.store.stuck(world.now, 10)).leases.map(({ id }) => id)).toEqual([own.id, waits.id])
    })

    test('claims take the longest due first, of one target only, and never more than asked', async () => {
      await using world = await World.open(open)
      const token = await world.token()
      const elsewhere = await world.active(token, { target: 'target-2' as TargetId })
      const due = []
      for (let i = 0; i < 5; i++) {
        due.push(await world.active(token))
        world.advance({ seconds: 1 })
      }
      for (const { id } of due.toReversed()) {
        await world.due(id)
        world.advance({ seconds: 1 })
      }
      await world.due(elsewhere.id)
      expect((await world.claim({ limit: 2 })).map(({ id }) => id)).toEqual([due[4]!.id, due[3]!.id])
      expect((await world.claim({ limit: 9 })).map(({ id }) => id)).toEqual([due[2]!.id, due[1]!.id, due[0]!.id])
    })
  })
}

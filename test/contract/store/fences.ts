import { describe, expect, test } from 'vitest'
import type { LeaseId, TargetId } from '../../../src/contracts/index.ts'
import type { Intention } from '../../../src/store/change.ts'
import type { Store } from '../../../src/store/store.ts'
import { World, bytes } from './world.ts'
import type { OpenStore } from './world.ts'

/** A node that was stopped for longer than the others wait finds that a newer run has taken its place. */
export function fences(open: OpenStore): void {
  describe('epochs', () => {
    test('what was issuing under an older epoch is due at once, its claims are given back, and nothing else moves', async () => {
      await using world = await World.open(open)
      const token = await world.token()
      const issuing = await world.begin(token)
      const active = await world.active(token)
      const due = await world.active(token)
      await world.due(due.id)
      expect(await world.claim()).toHaveLength(1)
      // A claim of this very run was left by a sweeper that a seal has ended: it is given back, and what is being issued goes on.
      expect(await world.change({ kind: 'lease.takeOver' })).toMatchObject({ applied: true, count: 0 })
      expect(await world.lease(issuing.id)).toMatchObject({ state: 'issuing', cause: null })
      await world.restart()
      expect(await world.change({ kind: 'lease.takeOver' })).toMatchObject({ applied: true, count: 1 })
      expect(await world.lease(issuing.id)).toMatchObject({ state: 'issuing', cause: 'node-lost', dueAt: world.now })
      expect(await world.lease(active.id)).toEqual(active)
      expect((await world.claim()).map(({ id }) => id).toSorted()).toEqual([issuing.id, due.id].toSorted())
      expect(await world.change({ kind: 'lease.takeOver' })).toMatchObject({ applied: true, count: 0 })
      expect(await world.change({ kind: 'lease.takeOver' })).toMatchObject({ applied: false, count: 0 })
    })

    test('an older epoch changes no row, whatever it tries', async () => {
      await using world = await World.open(open)
      const token = await world.token({ uses: 5 })
      const issuing = await world.begin(token)
      const active = await world.active(token)
      await world.due((await world.active(token)).id)
      const [claimed] = await world.claim()
      const { cascade } = await world.change({
        kind: 'cascade.open',
        selector: { kind: 'prefix', prefix: 'ssh/' },
        cause: 'prefix',
        by: ''
      })
      await world.change({ kind: 'task.schedule', mount: 'mount-1', task: 't', key: 'k', dueAt: world.now, intent: bytes('i') })
      const stopped = world.store
      await using successor = await world.usurp()
      const before = await everything(successor, world.now)

      const target = 'target-1' as TargetId
      const later = world.in({ hours: 2 })
      const attempts: readonly Intention[] = [
        { kind: 'token.create', token: world.newToken() },
        { kind: 'token.use', hash: token.hash },
        { kind: 'token.renew', hash: token.hash, expiresAt: later },
        { kind: 'token.end', hash: token.hash, cause: 'token-revoked', by: '' },
        { kind: 'tokens.expire', limit: 10 },
        { kind: 'lease.begin', lease: world.newLease(token), recipe: bytes('r') },
        { kind: 'lease.activate', ...issuing, handle: bytes('h') },
        { kind: 'lease.renew', id: active.id, version: active.version, expiresAt: later },
        { kind: 'lease.due', id: active.id, cause: 'manual' },
        { kind: 'lease.force', prefix: '', by: 'ops', limit: 10 },
        { kind: 'lease.claim', target, dueBefore: later, limit: 10, until: later },
        { kind: 'lease.settle', settlements: [{ id: claimed!.id, version: claimed!.version, outcome: 'gone' }] },
        { kind: 'lease.takeOver' },
        { kind: 'target.failed', target, retryAt: later, error: 'down', leases: [claimed!] },
        { kind: 'target.retire', target: 'other' as TargetId },
        { kind: 'cascade.open', selector: { kind: 'prefix', prefix: '' }, cause: 'prefix', by: '' },
        { kind: 'cascade.work', id: cascade!, limit: 10 },
        { kind: 'task.schedule', mount: 'mount-1', task: 't', key: 'k', dueAt: later, intent: bytes('other') },
        { kind: 'task.unschedule', mount: 'mount-1', task: 't', key: 'k' },
        { kind: 'entry.put', space: 'mount', key: 'k', value: bytes('v') }
      ]
      for (const attempt of attempts) await expect(stopped.commit([{ ...attempt, now: world.now }], ['{"n":1}'])).rejects.toBeDefined()
      await expect(stopped.commit([], ['{"n":"a line of the past"}'])).rejects.toMatchObject({ code: 'store_unreachable' })
      expect(await everything(successor, world.now)).toEqual(before)
      await successor.commit([{ kind: 'lease.due', now: world.now, id: active.id, cause: 'manual' }], ['{"n":"the successor goes on"}'])
    })
  })
}

async function everything(store: Store, now: Temporal.Instant): Promise<unknown> {
  const ids = (await store.holdings({ ended: true }, '', 100)).map(({ id }) => id)
  return {
    leases: await Promise.all(ids.map((id: LeaseId) => store.lease(id))),
    tokens: await Promise.all((await store.accessors('', 100)).map(accessor => store.tokenByAccessor(accessor))),
    targets: await store.targets(),
    work: await store.dueWork(now),
    counts: await store.leaseCounts(),
    head: await store.chainHead(),
    mounts: await store.entries('mount')
  }
}

import { expect, test } from 'vitest'
import { LeaseWatch } from '../../src/broker/leases/lease-watch.ts'
import { TargetGates } from '../../src/broker/leases/target-gates.ts'
import type { LeaseId, TargetId } from '../../src/contracts/index.ts'
import { TestClock } from '../sim/test-clock.ts'

const lease = 'users/creds/app/1' as LeaseId
const target = 'target-1' as TargetId

test('a caller who has gone before it waits for a revocation waits for nothing', async () => {
  const watch = new LeaseWatch(new TestClock())
  await expect(watch.next(lease, 20_000, AbortSignal.abort())).resolves.toBeUndefined()
})

test('a caller waits for the next outcome of its lease, and not longer than it said', async () => {
  const clock = new TestClock()
  const watch = new LeaseWatch(clock)
  const told = watch.next(lease, 20_000)
  watch.settled(lease, { kind: 'gone' })
  await expect(told).resolves.toEqual({ kind: 'gone' })
  const untold = watch.next(lease, 20_000)
  await clock.advance('PT20S')
  await expect(untold).resolves.toBeUndefined()
})

test('a caller who has gone takes no place before a target that is full', async () => {
  const gates = new TargetGates(new TestClock())
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  const inside = Array.from({ length: 64 }, () => gates.issue(target, new AbortController().signal, () => held))
  await expect(gates.issue(target, AbortSignal.abort(), async () => 'issued')).rejects.toMatchObject({ code: 'quota_exceeded' })
  const next = gates.issue(target, new AbortController().signal, async () => 'issued')
  release()
  await expect(next).resolves.toBe('issued')
  await Promise.all(inside)
})

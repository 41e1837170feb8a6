import type { TargetId } from '../../contracts/index.ts'
import { backoffMs } from '../../lease/backoff.ts'
import type { Lease } from '../../lease/lease.ts'
import type { Parts } from '../parts.ts'

// P2: access is over within 60 s of the target's return. A try that hung until its limit has used up most of that, so the next one follows sooner.
const tryEveryMsMax = 50_000
const retryMsMin = 1_000

/** The target failed as a whole after a try of `triedMs`: its row backs off, no lease is charged. An unreachable target is one audit entry when its circuit opens and one when it closes. */
export async function targetFailed(
  parts: Parts,
  target: TargetId,
  claimed: readonly Lease[],
  error: unknown,
  triedMs: number
): Promise<void> {
  const row = await parts.store.target(target)
  const failures = (row?.failures ?? 0) + 1
  const retryMs = Math.max(retryMsMin, Math.min(backoffMs(failures, parts.random), tryEveryMsMax - Math.round(triedMs)))
  const text = parts.trail.errorText(error)
  parts.log.warn('a target failed; its leases wait', { target, failures, retry_ms: retryMs, waiting: claimed.length }, error)
  parts.circuits.opened(target, retryMs)
  const audit = failures === 1 ? [parts.trail.circuit('opened', target, await parts.store.liveLeases(target), text)] : []
  const now = parts.clock.now()
  await parts.store.commit(
    [
      {
        kind: 'target.failed',
        now,
        target,
        retryAt: now.add({ milliseconds: retryMs }),
        error: text,
        leases: claimed.map(({ id, version }) => ({ id, version })),
        audit
      }
    ],
    []
  )
  for (const lease of claimed) parts.watch.settled(lease.id, { kind: 'failed', error: text })
}

/** The first success after an outage makes everything that waits for this target due at once. */
export async function recover(parts: Parts, target: TargetId): Promise<void> {
  const row = await parts.store.target(target)
  if (!row || row.failures === 0) return
  parts.circuits.closed(target)
  const audit = [parts.trail.circuit('closed', target, await parts.store.liveLeases(target), '')]
  await parts.store.commit([{ kind: 'target.recovered', now: parts.clock.now(), target, audit }], [])
  parts.log.info('a target is back', { target, failures: row.failures })
}

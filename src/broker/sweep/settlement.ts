/** What the store is told of an outcome. A backend may be wrong about what it answers, and so may the clock that it reads: one odd outcome must not hold up its neighbours, nor
 *  be looked at again without a pause or never. */
import { BrokerError, unhandled } from '../../contracts/index.ts'
import type { RevokeOutcome } from '../../contracts/index.ts'
import { backoffMs } from '../../lease/backoff.ts'
import { lastErrorCharsMax } from '../../lease/lease.ts'
import type { Lease } from '../../lease/lease.ts'
import type { Settlement } from '../../store/change.ts'
import type { Parts } from '../parts.ts'

// When a backend may have its next look: looking is idempotent, so earlier than it asked for costs a call and later costs time.
const againMsMin = 1_000
const againMsMax = 3_600_000
const outlivesAgainMsMax = 86_400_000

export function settlement(parts: Parts, lease: Lease, outcome: RevokeOutcome): Settlement {
  const claimed = { id: lease.id, version: lease.version }
  switch (outcome.kind) {
    case 'gone':
      return { ...claimed, outcome: 'gone', audit: [parts.trail.revocation(lease, outcome)] }
    case 'ended': {
      const waiting = cutError(outcome.waiting)
      return { ...claimed, outcome: 'ended', again: soon(parts, outcome.again), waiting, ...onChange(parts, lease, outcome, waiting) }
    }
    case 'outlives': {
      const why = cutError(outcome.why)
      const { until } = outcome
      return { ...claimed, outcome: 'outlives', until, again: nextLook(parts, outcome), why, ...onChange(parts, lease, outcome, why) }
    }
    case 'failed': {
      const error = cutError(parts.trail.errorText(outcome.error))
      const again = parts.clock.now().add({ milliseconds: backoffMs(lease.failures + 1, parts.random) })
      if (lease.lastError !== error)
        parts.log.warn('a revocation failed and will be tried again', { lease: lease.id, attempt: lease.failures + 1 }, outcome.error)
      return { ...claimed, outcome: 'failed', again, error, ...onChange(parts, lease, outcome, error) }
    }
    default:
      return unhandled(outcome)
  }
}

/** What gives no access any more since a moment that has passed is gone, by the backend's own word. */
export function timely(outcome: RevokeOutcome, now: Temporal.Instant): RevokeOutcome {
  return outcome.kind === 'outlives' && Temporal.Instant.compare(outcome.until, now) <= 0 ? { kind: 'gone' } : outcome
}

/** As asked for: a look costs a call, and nothing can change it but what the backend knows of. It closes when its time is over. */
function nextLook(parts: Parts, { until, again }: Extract<RevokeOutcome, { kind: 'outlives' }>): Temporal.Instant {
  const now = parts.clock.now()
  const wait = Math.min(until.epochMilliseconds, again.epochMilliseconds) - now.epochMilliseconds
  return now.add({ milliseconds: Math.min(Math.max(wait, againMsMin), outlivesAgainMsMax) })
}

/** Whatever a backend answered for one lease; what is no outcome is a failure of that lease alone. */
export function properOutcome(answered: unknown): RevokeOutcome {
  const outcome = (typeof answered === 'object' && answered !== null ? answered : {}) as Partial<Record<string, unknown>>
  const waits = outcome['again'] instanceof Temporal.Instant
  switch (outcome['kind']) {
    case 'gone':
    case 'failed':
      return answered as RevokeOutcome
    case 'ended':
      return waits && typeof outcome['waiting'] === 'string' ? (answered as RevokeOutcome) : noOutcome()
    case 'outlives':
      return waits && typeof outcome['why'] === 'string' && outcome['until'] instanceof Temporal.Instant
        ? (answered as RevokeOutcome)
        : noOutcome()
    case undefined:
    default:
      return noOutcome()
  }
}

function noOutcome(): RevokeOutcome {
  return { kind: 'failed', error: new Error('the backend gave no proper outcome for this lease') }
}

/** A next look as a backend asked for it, within reason. */
export function soon(parts: Parts, again: Temporal.Instant): Temporal.Instant {
  const now = parts.clock.now()
  const wait = Math.min(Math.max(again.epochMilliseconds - now.epochMilliseconds, againMsMin), againMsMax)
  return now.add({ milliseconds: wait })
}

/** As the row keeps it, so that the next try can tell whether it is the same. */
export function cutError(text: string): string {
  return text.slice(0, lastErrorCharsMax)
}

/** The first failure of a lease, each change of cause and its end are entries; the same answer again is none. */
function onChange(parts: Parts, lease: Lease, outcome: RevokeOutcome, why: string): { audit?: readonly string[] } {
  return lease.lastError === why ? {} : { audit: [parts.trail.revocation(lease, outcome)] }
}

/** What a caller who waits for the end of a lease is told: a sentence of ours, never a driver's own words. */
export function told(outcome: RevokeOutcome): Parameters<Parts['watch']['settled']>[1] {
  if (outcome.kind !== 'failed') return { kind: outcome.kind }
  return { kind: 'failed', error: outcome.error instanceof BrokerError ? outcome.error.message : 'the target refused' }
}

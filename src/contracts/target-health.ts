import type { JsonObject } from './json.ts'

/** How a target does: what its row says, which outlives a restart, and what this run of the broker has seen of it. */
export interface TargetHealth {
  /** `unknown`: nothing was asked of it since the broker started. */
  readonly state: 'unknown' | 'answers' | 'fails'
  /** Revocations that failed there as a whole, in a row. While this is above 0 the circuit is open: nothing is issued there before `retryAt`. */
  readonly failures: number
  readonly failingSince?: Temporal.Instant
  readonly retryAt?: Temporal.Instant
  /** A sentence of ours, never a driver's own words. */
  readonly lastError?: string
  readonly lastErrorAt?: Temporal.Instant
  readonly lastAnswerAt?: Temporal.Instant
  /** Of its latest calls, the last weighing most. */
  readonly latencyMs?: number
}

/** As a read of what reaches the target shows it. */
export function healthFields(health: TargetHealth): JsonObject {
  const { state, failures, failingSince, retryAt, lastError, lastErrorAt, lastAnswerAt, latencyMs } = health
  return {
    state,
    // Open: nothing is issued there before `retry_at`.
    circuit: failures > 0 ? 'open' : 'closed',
    failures,
    ...timeField('failing_since', failingSince),
    ...timeField('retry_at', retryAt),
    ...(lastError !== undefined && { last_error: lastError }),
    ...timeField('last_error_at', lastErrorAt),
    ...timeField('last_answer_at', lastAnswerAt),
    ...(latencyMs !== undefined && { latency_ms: Math.round(latencyMs * 10) / 10 })
  }
}

const timeField = (name: string, instant: Temporal.Instant | undefined): JsonObject =>
  instant ? { [name]: instant.toString({ smallestUnit: 'second' }) } : {}

import { Refused, Sealed, TooMany, Unreachable } from './client-error.ts'
import type { Method } from './client.ts'
import { backoffMs } from './keep-plan.ts'
import type { Timing } from './timing.ts'

const attemptsMax = 3
// Longer is for the caller to wait: a loop that keeps a lease does.
const retryAfterSecondsMax = 30

/** Does it again where that is safe: what certainly was not done, and for a method that changes nothing (or the same) what may have been.
 *
 *  A `GET` may issue a credential. After a 5xx nothing stays of it, and what was made for a caller whose connection broke is revoked; at another server of this
 *  API it ends with the token. A reply that does not come in time is not asked for again: the minute is over. */
export async function repeating<T>(timing: Timing, method: Method, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const retryAfter = error instanceof TooMany ? (error.retryAfter ?? 0) : 0
      if (attempt === attemptsMax || signal.aborted || retryAfter > retryAfterSecondsMax || !isSafe(method, error)) throw error
      await timing.sleep(backoffMs(attempt, 0, timing.random(), retryAfter), signal, 'caller')
      if (signal.aborted) throw error
    }
  }
}

function isSafe(method: Method, error: unknown): boolean {
  if (error instanceof Unreachable && (error.why === 'refused' || error.why === 'unknown host')) return true
  if (error instanceof TooMany || error instanceof Sealed) return true
  if (method === 'POST' || method === 'PUT') return false
  return (
    (error instanceof Unreachable && error.why === 'broken') || (error instanceof Refused && error.status >= 500 && error.status !== 501)
  )
}

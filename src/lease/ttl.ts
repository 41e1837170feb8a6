/** TTL arithmetic as clients of the wire know it (Vault's `CalculateTTL`): whole seconds, capped by the smallest maximum, told in warnings whose words clients
 *  search for. A TTL of 0 never means "for ever" here. */
import { BrokerError, goDuration } from '../contracts/index.ts'

export interface TtlQuestion {
  /** Issue time; at issue the same as `now`. */
  readonly start: Temporal.Instant
  readonly now: Temporal.Instant
  /** What the caller asks for, in seconds; 0 = nothing. Counted from now, so it may shorten a lease. */
  readonly increment: number
  /** The first of these that is above 0 counts: the role's, the mount's. Never all 0. */
  readonly defaults: readonly number[]
  /** Of the mount, the role, the token's explicit maximum; 0 = none. The smallest counts. */
  readonly maxima: readonly number[]
  readonly explicitMax?: number
  readonly period?: number
  /** The latest possible end of the token that owns the credential. */
  readonly parentEnd?: Temporal.Instant | undefined
}

export interface Ttl {
  readonly seconds: number
  readonly expiresAt: Temporal.Instant
  /** The end that no renewal passes; `null` for a periodic token without an explicit maximum. */
  readonly maxExpiresAt: Temporal.Instant | null
  readonly warnings: readonly string[]
}

/** Throws `invalid_request` `past the max TTL, cannot renew` when nothing is left. */
export function computeTtl(question: TtlQuestion): Ttl {
  const explicitMax = question.explicitMax ?? 0
  const max = smallest([...question.maxima, explicitMax])
  const warnings: string[] = []
  let seconds = wanted(question, max, warnings)
  const cap = capOf(question, max, explicitMax)
  if (cap !== null) {
    const left = wholeSeconds(cap) - wholeSeconds(question.now)
    if (left <= 0) throw new BrokerError('invalid_request', 'past the max TTL, cannot renew')
    if (left < seconds) {
      warnings.push(
        `TTL of "${goDuration(seconds)}" exceeded the effective max_ttl of "${goDuration(left)}"; TTL value is capped accordingly`
      )
      seconds = left
    }
  }
  return { seconds, expiresAt: earlier(question.now.add({ seconds }), cap), maxExpiresAt: cap, warnings }
}

function wanted(question: TtlQuestion, max: number, warnings: string[]): number {
  const period = question.period ?? 0
  if (period > 0) {
    if (max > 0 && period > max)
      warnings.push(
        `period of "${goDuration(period)}" exceeded the effective max_ttl of "${goDuration(max)}"; period value is capped accordingly`
      )
    return max > 0 ? Math.min(period, max) : period
  }
  const seconds = [question.increment, ...question.defaults].find(value => value > 0)
  if (seconds === undefined) throw new BrokerError('invalid_request', 'no TTL: neither request, role, mount nor system names one')
  return seconds
}

function capOf(question: TtlQuestion, max: number, explicitMax: number): Temporal.Instant | null {
  const limit = (question.period ?? 0) > 0 ? explicitMax : max
  const byMax = limit > 0 ? question.start.add({ seconds: limit }) : null
  const byParent = question.parentEnd ?? null
  return byMax === null ? byParent : earlier(byMax, byParent)
}

function earlier(a: Temporal.Instant, b: Temporal.Instant | null): Temporal.Instant {
  return b !== null && Temporal.Instant.compare(b, a) < 0 ? b : a
}

function smallest(values: readonly number[]): number {
  const positive = values.filter(value => value > 0)
  return positive.length === 0 ? 0 : Math.min(...positive)
}

function wholeSeconds(instant: Temporal.Instant): number {
  return Math.floor(instant.epochMilliseconds / 1_000)
}

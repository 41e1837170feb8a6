import { BrokerError } from '../contracts/index.ts'
import type { RenewalTerms } from '../contracts/index.ts'
import { computeTtl } from '../lease/ttl.ts'
import type { Token } from '../store/token.ts'
import type { TokenRequest } from './token-request.ts'

/** Of the mount that makes tokens, in seconds, the system's where it names none. */
export interface TokenTtls {
  readonly defaultTtl: number
  readonly maxTtl: number
}

export interface TokenLifetime {
  readonly seconds: number
  /** `null`: no end. Root tokens only. */
  readonly expiresAt: Temporal.Instant | null
  readonly warnings: readonly string[]
}

/** How long a new token lives. Only root may be without an end, and a root token that ends makes none that does not. */
export function tokenLifetime(
  request: Pick<TokenRequest, 'ttl' | 'explicitMaxTtl' | 'period'>,
  policies: readonly string[],
  maker: Token,
  ttls: TokenTtls,
  now: Temporal.Instant
): TokenLifetime {
  const { ttl, explicitMaxTtl, period } = request
  // Without a TTL of its own a root token lives as long as its explicit maximum, which may be for ever.
  const root = policies.includes('root') && ttl === 0 && period === 0
  if (root && explicitMaxTtl > 0) return { seconds: explicitMaxTtl, expiresAt: now.add({ seconds: explicitMaxTtl }), warnings: [] }
  if (!root)
    return computeTtl({
      start: now,
      now,
      increment: 0,
      defaults: [ttl, ttls.defaultTtl],
      maxima: [ttls.maxTtl],
      explicitMax: explicitMaxTtl,
      period
    })
  if (maker.expiresAt !== null) throw new BrokerError('invalid_request', 'expiring root tokens cannot create non-expiring root tokens')
  return { seconds: 0, expiresAt: null, warnings: [] }
}

/** A renewal, by the same arithmetic: without an increment it gives the TTL of the creation, or what `terms` say now, and never more than the maximum counted from then. */
export function renewedLifetime(
  token: Token,
  increment: number,
  ttls: TokenTtls,
  now: Temporal.Instant,
  terms: RenewalTerms = { ttl: token.creationTtl, maxTtl: 0, period: token.period }
) {
  if (!token.renewable || token.expiresAt === null || token.endedAt !== null)
    throw new BrokerError('invalid_lease', 'lease is not renewable')
  return computeTtl({
    start: token.issuedAt,
    now,
    increment,
    defaults: [terms.ttl, ttls.defaultTtl],
    maxima: [ttls.maxTtl, terms.maxTtl],
    explicitMax: token.explicitMaxTtl,
    period: terms.period
  })
}

/** The making of a token, without its secret: all rules of who may make which token, pure. Whether parent and ancestors still live is asked in the commit. */
import { BrokerError } from '../contracts/index.ts'
import type { Token } from '../store/token.ts'
import { boundCidrs } from './bound-cidrs.ts'
import { tokenDisplayName } from './display-name.ts'
import { refuseToken } from './refuse-token.ts'
import { tokenLifetime } from './token-lifetime.ts'
import type { TokenLifetime, TokenTtls } from './token-lifetime.ts'
import { tokenPolicies } from './token-policies.ts'
import type { TokenMaker, TokenRequest } from './token-request.ts'

export interface TokenPlan {
  readonly token: Omit<Token, 'hash' | 'accessor' | 'path'>
  readonly warnings: readonly string[]
}

export function planToken(request: TokenRequest, maker: TokenMaker, ttls: TokenTtls, now: Temporal.Instant): TokenPlan {
  refuseToken(request, maker)
  const policies = tokenPolicies(request, maker)
  const lifetime = tokenLifetime(request, policies, maker.token, ttls, now)
  return { token: row(request, maker, policies, lifetime, now), warnings: lifetime.warnings }
}

function row(
  request: TokenRequest,
  maker: TokenMaker,
  policies: readonly string[],
  lifetime: TokenLifetime,
  now: Temporal.Instant
): TokenPlan['token'] {
  const orphan = request.orphanByPath || request.noParent
  const endless = lifetime.expiresAt === null
  return {
    parent: orphan ? null : maker.token.hash,
    depth: orphan ? 0 : maker.token.depth + 1,
    policies,
    displayName: tokenDisplayName(request.displayName),
    meta: Object.keys(request.meta).length === 0 ? null : request.meta,
    entity: orphan ? '' : maker.token.entity,
    uses: request.uses,
    issuedAt: now,
    creationTtl: lifetime.seconds,
    explicitMaxTtl: request.explicitMaxTtl,
    period: request.period,
    // Nobody can move an end that is not there.
    renewable: request.renewable && !endless,
    expiresAt: lifetime.expiresAt,
    lastRenewal: null,
    boundCidrs: endless ? unbound(request) : boundCidrs(request.boundCidrs, maker.token.boundCidrs),
    endedAt: null,
    endedBy: null
  }
}

/** The way back in must not depend on an address: a root token without an end is never bound (the wire drops the bounds in silence). */
function unbound(request: TokenRequest): readonly string[] {
  if (request.boundCidrs.length === 0) return []
  throw new BrokerError('invalid_request', 'token_bound_cidrs: a root token without an end cannot be bound')
}

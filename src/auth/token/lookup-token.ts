import { BrokerError } from '../../contracts/index.ts'
import type { JsonObject } from '../../contracts/index.ts'
import { listed } from '../../broker/door/authorize.ts'
import type { Call } from '../../broker/door/core-path.ts'
import type { Outcome } from '../../broker/door/request.ts'
import type { Token } from '../../store/token.ts'
import { liveToken, liveTokenByAccessor } from '../../broker/door/live-token.ts'

/** The caller's own token. Its row is the one that brought the request here: on its last use it has ended in the store, and may still look at itself. */
export async function lookupSelf(call: Call<unknown>): Promise<Outcome> {
  const { token } = call.identity
  if (!token) throw badToken()
  return { data: describe(token, call.request.token ?? '', call.parts.clock.now()) }
}

/** Any token that the caller can show; without one, its own. */
export async function lookupToken(call: Call<{ token?: string | undefined }>): Promise<Outcome> {
  const shown = call.fields.token
  if (shown === undefined || shown === '' || shown === call.request.token) return lookupSelf(call)
  const token = await liveToken(call.parts, shown)
  if (!token) throw badToken()
  return { data: describe(token, shown, call.parts.clock.now()) }
}

export async function lookupAccessor(call: Call<{ accessor?: string | undefined }>): Promise<Outcome> {
  const { accessor } = call.fields
  if (!accessor) throw new BrokerError('invalid_request', 'missing accessor')
  const token = await liveTokenByAccessor(call.parts, accessor)
  if (!token) throw new BrokerError('invalid_request', listed('invalid accessor'))
  return { data: describe(token, '', call.parts.clock.now()) }
}

function badToken(): BrokerError {
  return new BrokerError('permission_denied', 'bad token')
}

/** Every key that some client casts unchecked, whatever it holds. */
function describe(token: Token, id: string, now: Temporal.Instant): JsonObject {
  return {
    id,
    accessor: token.accessor,
    policies: token.policies,
    path: token.path,
    meta: token.meta,
    display_name: token.displayName,
    // The wire's sign of a token that is spending its last use.
    num_uses: token.endedAt === null ? token.uses : -1,
    orphan: token.parent === null,
    creation_time: Math.floor(token.issuedAt.epochMilliseconds / 1_000),
    creation_ttl: token.creationTtl,
    expire_time: token.expiresAt?.toString() ?? null,
    ttl: secondsLeft(token, now),
    explicit_max_ttl: token.explicitMaxTtl,
    entity_id: token.entity,
    type: 'service',
    renewable: token.renewable,
    issue_time: token.issuedAt.toString(),
    ...(token.period > 0 ? { period: token.period } : {}),
    ...(token.boundCidrs.length > 0 ? { bound_cidrs: token.boundCidrs } : {}),
    ...(token.lastRenewal
      ? { last_renewal: token.lastRenewal.toString(), last_renewal_time: Math.floor(token.lastRenewal.epochMilliseconds / 1_000) }
      : {})
  }
}

function secondsLeft(token: Token, now: Temporal.Instant): number {
  if (!token.expiresAt) return 0
  return Math.max(0, Math.floor((token.expiresAt.epochMilliseconds - now.epochMilliseconds) / 1_000))
}

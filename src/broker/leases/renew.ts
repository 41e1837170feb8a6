import { BrokerError } from '../../contracts/index.ts'
import { issueLimitMs } from '../../lease/lease.ts'
import type { Lease } from '../../lease/lease.ts'
import { computeTtl } from '../../lease/ttl.ts'
import type { Ttl } from '../../lease/ttl.ts'
import type { Call } from '../door/core-path.ts'
import { latestEnd } from './lifetime.ts'
import { openHandle, openRecipe } from './lease-rows.ts'
import type { Parts } from '../parts.ts'
import { reachableLease } from './own-lease.ts'
import type { Outcome } from '../door/request.ts'
import { commit } from '../door/exchange.ts'

/** Renews a lease, frozen as it was issued: the target's own expiry first, then the row. A renewal that fails is one indexed read and no target call, because watchers repeat
 *  it without a pause. Every refusal is 400. */
export async function renewLease(call: Call<unknown>, id: string, increment: number): Promise<Outcome> {
  const lease = await reachableLease(call, 'renew', id)
  const ttl = await newLifetime(call, renewable(call, lease), increment)
  const renewed = { lease: { id: lease!.id, renewable: true, seconds: ttl.seconds }, warnings: ttl.warnings }
  return { wait: async () => (await extend(call, lease!, ttl), renewed) }
}

function renewable(call: Call<unknown>, lease: Lease | undefined): Lease {
  if (!lease || lease.state === 'revoked') throw refusal('lease not found')
  if (lease.state === 'revoking')
    throw refusal(lease.failures > 0 ? 'lease is expired and has failed previous revocation attempts' : 'lease expired')
  if (lease.state === 'issuing') throw refusal('lease not found')
  if (lease.cause !== null || Temporal.Instant.compare(lease.expiresAt, call.parts.clock.now()) <= 0) throw refusal('lease expired')
  if (!lease.renewable) throw refusal('lease is not renewable')
  return lease
}

async function newLifetime(call: Call<unknown>, lease: Lease, increment: number): Promise<Ttl> {
  const { parts, identity } = call
  if (increment < 0) throw refusal('increment must not be negative')
  const owner = lease.token === identity.token?.hash ? identity.token : ((await parts.store.token(lease.token)) ?? null)
  const max = lease.maxExpiresAt === null ? 0 : Math.ceil((lease.maxExpiresAt.epochMilliseconds - lease.issuedAt.epochMilliseconds) / 1_000)
  const parentEnd = lease.outlivesToken ? undefined : latestEnd(owner)
  try {
    return exact(
      computeTtl({ start: lease.issuedAt, now: parts.clock.now(), increment, defaults: [lease.ttl], maxima: [max], parentEnd }),
      lease
    )
  } catch (error) {
    if (error instanceof BrokerError) throw refusal(`failed to renew entry: resp: (*logical.Response)(nil) err: ${error.message}`, error)
    throw error
  }
}

/** The end promised at issue holds to the millisecond. */
function exact(ttl: Ttl, lease: Lease): Ttl {
  const max = lease.maxExpiresAt
  return max !== null && Temporal.Instant.compare(max, ttl.expiresAt) < 0 ? { ...ttl, expiresAt: max } : ttl
}

async function extend(call: Call<unknown>, lease: Lease, ttl: Ttl): Promise<void> {
  const { parts } = call
  await parts.at('renew:before-target-extend')
  await extendAtTarget(parts, lease, ttl.expiresAt)
  await parts.at('renew:after-target-extend')
  try {
    await commit(
      parts,
      [{ kind: 'lease.renew', now: parts.clock.now(), id: lease.id, version: lease.version, expiresAt: ttl.expiresAt }],
      []
    )
  } catch (error) {
    await giveWay(parts, lease)
    throw error
  }
  await parts.at('renew:after-commit')
  parts.wake()
}

async function extendAtTarget(parts: Parts, lease: Lease, until: Temporal.Instant): Promise<void> {
  const credential = parts.mounts.credential(lease.mount, lease.credential)
  if (!credential.renew) return
  using deadline = parts.clock.within(issueLimitMs)
  const recipe = await openRecipe(parts, lease.recipe)
  const asked = { lease: lease.id, target: lease.target, recipe, handle: openHandle(parts, lease), until }
  await parts.healths.watch(lease.target, async () => credential.renew!(asked, deadline.signal))
}

/** Another renewal was faster, and the target has our end over its: it gets the one that counts, or the credential would die before its lease. */
async function giveWay(parts: Parts, lost: Lease): Promise<void> {
  const lease = await parts.store.lease(lost.id)
  if (lease?.state !== 'active' || lease.cause !== null || lease.version === lost.version) return
  await extendAtTarget(parts, lease, lease.expiresAt)
  throw refusal('another renewal of this lease was faster')
}

function refusal(message: string, cause?: unknown): BrokerError {
  return new BrokerError('invalid_lease', message, cause === undefined ? {} : { cause })
}

import type { Parts } from '../../broker/parts.ts'
import type { JsonObject } from '../../contracts/index.ts'
import type { Lease } from '../../lease/lease.ts'
import { unused } from '../../lease/usage.ts'
import type { LeaseUsage } from '../../lease/usage.ts'

/** What clients of the wire read of a lease, and behind it what only Mayfly tells: who holds what, how far its ending is and what can be promised of it. */
export async function leaseDetails(parts: Pick<Parts, 'store' | 'mounts' | 'clock'>, lease: Lease): Promise<JsonObject> {
  return {
    ...wire(lease, parts.clock.now()),
    ...(await ending(parts, lease)),
    state: lease.state,
    mount: parts.mounts.byUuid(lease.mount)?.record.path ?? '',
    role: lease.role,
    target: lease.target,
    visible: lease.visible,
    ...(lease.subject === null ? {} : { subject: lease.subject }),
    display_name: lease.displayName,
    accessor: lease.accessor,
    entity_id: lease.entity,
    remote_address: lease.remoteAddress,
    outlives_token: lease.outlivesToken,
    guarantees: { ...lease.guarantees },
    cause: lease.cause,
    ended_time: lease.endedAt?.toString() ?? null,
    revoked_time: lease.revokedAt?.toString() ?? null,
    ...(lease.forcedBy === null ? {} : { forced_by: lease.forcedBy }),
    ...seen(lease.usage ?? unused)
  }
}

/** How far its ending is: what fails, what is waited for, or until when the target lets it live. */
async function ending(parts: Pick<Parts, 'store'>, lease: Lease): Promise<JsonObject> {
  const outlives = lease.outlivesUntil === null ? {} : { outlives_until: lease.outlivesUntil.toString() }
  const why = await revokeError(parts, lease)
  if (why === null) return outlives
  const waits = lease.failures === 0 && (lease.endedAt !== null || lease.outlivesUntil !== null)
  return { ...outlives, [waits ? 'waits_for' : 'revoke_error']: why }
}

function seen({ firstSeen, lastSeen, uses, offers, from }: LeaseUsage): JsonObject {
  return { first_seen: time(firstSeen), last_seen: time(lastSeen), uses, ...(offers > 0 ? { offers } : {}), seen_from: from }
}

function wire(lease: Lease, now: Temporal.Instant): JsonObject {
  const seconds = Math.floor((lease.expiresAt.epochMilliseconds - now.epochMilliseconds) / 1_000)
  return {
    id: lease.id,
    issue_time: lease.issuedAt.toString(),
    expire_time: lease.expiresAt.toString(),
    last_renewal: lease.lastRenewal?.toString() ?? null,
    renewable: lease.renewable && lease.state === 'active' && lease.cause === null && seconds > 0,
    // Negative while an expired lease waits for its revocation.
    ttl: seconds,
    path: lease.path
  }
}

function time(milliseconds: number | null): string | null {
  return milliseconds === null ? null : Temporal.Instant.fromEpochMilliseconds(milliseconds).toString()
}

/** Why it has not ended yet: its own failure, or its target's. */
export async function revokeError(parts: Pick<Parts, 'store'>, lease: Lease): Promise<string | null> {
  if (lease.state !== 'revoking') return null
  return lease.lastError ?? (await parts.store.target(lease.target))?.lastError ?? null
}

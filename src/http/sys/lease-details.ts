import type { Parts } from '../../broker/parts.ts'
import type { JsonObject } from '../../contracts/index.ts'
import type { Lease } from '../../lease/lease.ts'

/** What clients of the wire read of a lease, and behind it what only Mayfly tells: who holds what, how far its ending is and what can be promised of it. */
export async function leaseDetails(parts: Pick<Parts, 'store' | 'mounts' | 'clock'>, lease: Lease): Promise<JsonObject> {
  const error = await revokeError(parts, lease)
  return {
    ...wire(lease, parts.clock.now()),
    ...(error === null ? {} : { revoke_error: error }),
    state: lease.state,
    mount: parts.mounts.byUuid(lease.mount)?.record.path ?? '',
    role: lease.role,
    target: lease.target,
    visible: lease.visible,
    display_name: lease.displayName,
    accessor: lease.accessor,
    entity_id: lease.entity,
    remote_address: lease.remoteAddress,
    outlives_token: lease.outlivesToken,
    guarantees: { ...lease.guarantees },
    cause: lease.cause,
    ended_time: lease.endedAt?.toString() ?? null,
    revoked_time: lease.revokedAt?.toString() ?? null,
    ...(lease.forcedBy === null ? {} : { forced_by: lease.forcedBy })
  }
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

/** Why it has not ended yet: its own failure, or its target's. */
export async function revokeError(parts: Pick<Parts, 'store'>, lease: Lease): Promise<string | null> {
  if (lease.state !== 'revoking') return null
  return lease.lastError ?? (await parts.store.target(lease.target))?.lastError ?? null
}

import type { Issuance } from '../../contracts/index.ts'
import { issueGraceMs, issueLimitMs } from '../../lease/lease.ts'
import type { Lease } from '../../lease/lease.ts'
import type { Ttl } from '../../lease/ttl.ts'
import type { Call } from '../door/core-path.ts'
import type { BackendMount } from '../mounts/mount.ts'
import { handlePlace } from './lease-rows.ts'

/** The row of a credential that is about to be made. */
export function promisedLease(call: Call, mount: BackendMount, plan: Issuance, ttl: Ttl): Lease {
  const { parts, request, identity } = call
  const now = parts.clock.now()
  return {
    id: call.lease,
    state: 'issuing',
    version: 1,
    mount: mount.record.uuid,
    path: request.path,
    role: plan.role,
    roleVersion: plan.roleVersion,
    credential: plan.credential,
    target: plan.target,
    recipe: parts.recipes.of(plan.recipe).id,
    handle: parts.barrier.sealJson(handlePlace(call.lease), plan.handle),
    name: plan.name,
    visible: plan.visible,
    subject: plan.subject ?? null,
    token: identity.token?.hash ?? '',
    accessor: identity.token?.accessor ?? '',
    displayName: identity.token?.displayName ?? '',
    entity: identity.token?.entity ?? '',
    remoteAddress: request.remoteAddress,
    requestId: request.id,
    outlivesToken: plan.outlivesToken ?? false,
    renewable: plan.renewable,
    guarantees: plan.guarantees,
    ttl: plan.ttl || mount.record.config.default_lease_ttl || parts.settings.credentialTtl,
    issuedAt: now,
    expiresAt: ttl.expiresAt,
    maxExpiresAt: ttl.maxExpiresAt,
    createBy: now.add({ milliseconds: issueLimitMs }),
    lastRenewal: null,
    dueAt: now.add({ milliseconds: issueGraceMs }),
    epoch: parts.store.node.epoch,
    activated: false,
    cause: null,
    failures: 0,
    lastError: null,
    endedAt: null,
    revokedAt: null,
    forcedBy: null,
    outlivesUntil: null,
    usage: null
  }
}

import type { LeaseId, TargetId } from '../../../contracts/index.ts'
import type { Lease, LeaseState, RevokeCause } from '../../../lease/lease.ts'
import type { LeaseUsage } from '../../../lease/usage.ts'
import { instant, instantOrNull } from './wire.ts'
import type { Wire } from './wire.ts'

/** A lease as the table has it. */
export interface LeaseRow {
  readonly id: string
  readonly state: LeaseState
  readonly version: number
  readonly mount: string
  readonly path: string
  readonly role: string
  readonly role_version: number
  readonly credential: string
  readonly target_id: string
  readonly recipe: string
  readonly name: string
  readonly token: string
  readonly accessor: string
  readonly display_name: string
  readonly entity: string
  readonly remote_address: string
  readonly request_id: string
  readonly outlives_token: number
  readonly renewable: number
  readonly guarantees: string
  readonly ttl: number
  readonly issued_at: number
  readonly expires_at: number
  readonly max_expires_at: number | null
  readonly create_by: number
  readonly last_renewal: number | null
  readonly due_at: number
  readonly epoch: number
  readonly activated: number
  readonly cause: RevokeCause | null
  readonly failures: number
  readonly last_error: string | null
  readonly ended_at: number | null
  readonly revoked_at: number | null
  readonly forced_by: string | null
  readonly handle: Uint8Array
  readonly visible: string
  readonly subject: string | null
  readonly outlives_until: number | null
  readonly usage: string | null
}

const columnOrder = [
  'id',
  'state',
  'version',
  'mount',
  'path',
  'role',
  'role_version',
  'credential',
  'target_id',
  'recipe',
  'name',
  'token',
  'accessor',
  'display_name',
  'entity',
  'remote_address',
  'request_id',
  'outlives_token',
  'renewable',
  'guarantees',
  'ttl',
  'issued_at',
  'expires_at',
  'max_expires_at',
  'create_by',
  'last_renewal',
  'due_at',
  'epoch',
  'activated',
  'cause',
  'failures',
  'last_error',
  'ended_at',
  'revoked_at',
  'forced_by',
  'handle',
  'visible',
  'subject',
  'outlives_until',
  'usage'
] as const satisfies readonly (keyof LeaseRow)[]

export const leaseColumns = columnOrder.join(', ')

export function leaseRow(lease: Wire<Lease>): LeaseRow {
  return {
    id: lease.id,
    state: lease.state,
    version: lease.version,
    mount: lease.mount,
    path: lease.path,
    role: lease.role,
    role_version: lease.roleVersion,
    credential: lease.credential,
    target_id: lease.target,
    recipe: lease.recipe,
    name: lease.name,
    token: lease.token,
    accessor: lease.accessor,
    display_name: lease.displayName,
    entity: lease.entity,
    remote_address: lease.remoteAddress,
    request_id: lease.requestId,
    outlives_token: Number(lease.outlivesToken),
    renewable: Number(lease.renewable),
    guarantees: JSON.stringify(lease.guarantees),
    ttl: lease.ttl,
    issued_at: lease.issuedAt,
    expires_at: lease.expiresAt,
    max_expires_at: lease.maxExpiresAt,
    create_by: lease.createBy,
    last_renewal: lease.lastRenewal,
    due_at: lease.dueAt,
    epoch: lease.epoch,
    activated: Number(lease.activated),
    cause: lease.cause,
    failures: lease.failures,
    last_error: lease.lastError,
    ended_at: lease.endedAt,
    revoked_at: lease.revokedAt,
    forced_by: lease.forcedBy,
    handle: lease.handle,
    visible: JSON.stringify(lease.visible),
    subject: lease.subject,
    outlives_until: lease.outlivesUntil,
    usage: lease.usage && JSON.stringify(lease.usage)
  }
}

/** A row binds by the names of its columns. */
export const leaseParameters = columnOrder.map(column => `:${column}`).join(', ')

export function toLease(row: LeaseRow): Lease {
  return {
    id: row.id as LeaseId,
    state: row.state,
    version: row.version,
    mount: row.mount,
    path: row.path,
    role: row.role,
    roleVersion: row.role_version,
    credential: row.credential,
    target: row.target_id as TargetId,
    recipe: row.recipe,
    handle: row.handle,
    name: row.name,
    visible: JSON.parse(row.visible) as Lease['visible'],
    subject: row.subject,
    token: row.token,
    accessor: row.accessor,
    displayName: row.display_name,
    entity: row.entity,
    remoteAddress: row.remote_address,
    requestId: row.request_id,
    outlivesToken: row.outlives_token === 1,
    renewable: row.renewable === 1,
    guarantees: JSON.parse(row.guarantees) as Lease['guarantees'],
    ttl: row.ttl,
    issuedAt: instant(row.issued_at),
    expiresAt: instant(row.expires_at),
    maxExpiresAt: instantOrNull(row.max_expires_at),
    createBy: instant(row.create_by),
    lastRenewal: instantOrNull(row.last_renewal),
    dueAt: instant(row.due_at),
    epoch: row.epoch,
    activated: row.activated === 1,
    cause: row.cause,
    failures: row.failures,
    lastError: row.last_error,
    endedAt: instantOrNull(row.ended_at),
    revokedAt: instantOrNull(row.revoked_at),
    forcedBy: row.forced_by,
    outlivesUntil: instantOrNull(row.outlives_until),
    usage: row.usage === null ? null : (JSON.parse(row.usage) as LeaseUsage)
  }
}

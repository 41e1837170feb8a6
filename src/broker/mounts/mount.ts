import type { AuthMethod, AuthPath, Backend, Json, JsonObject } from '../../contracts/index.ts'
import type { CorePath } from '../door/core-path.ts'
import type { Router } from '../door/router.ts'
import type { Path } from '../../contracts/index.ts'

/** A row of the mount table, as stored (sealed). */
export interface MountRecord {
  /** With its slash: `database/`, `auth/token/`. */
  readonly path: string
  readonly type: string
  readonly accessor: string
  readonly uuid: string
  readonly description: string
  readonly options: Readonly<Record<string, string>> | null
  readonly config: MountConfig
  /** Being disabled: nothing new is issued, its leases are on their way out. */
  readonly ending: boolean
}

export interface MountConfig {
  /** Seconds; 0 = the system's. */
  readonly default_lease_ttl: number
  readonly max_lease_ttl: number
  readonly force_no_cache: boolean
  readonly audit_non_hmac_request_keys?: readonly string[]
  readonly audit_non_hmac_response_keys?: readonly string[]
  readonly listing_visibility?: 'unauth' | 'hidden'
  readonly token_type?: string
  readonly user_lockout_config?: LockoutConfig
  /** Absent: `report`. */
  readonly reconcile?: ReconcilePolicy
  /** Seconds; 0 = the default. */
  readonly reconcile_after?: number
}

/** What becomes of an object in a target that carries this broker's mark and has no lease. */
export type ReconcilePolicy = 'report' | 'adopt' | 'remove'

/** Of an auth method, as far as said. Seconds. */
export interface LockoutConfig {
  readonly lockout_threshold?: number
  readonly lockout_duration?: number
  readonly lockout_counter_reset_duration?: number
  readonly lockout_disable?: boolean
}

/** A mount that serves: its record, and what answers below it. */
export type Mount =
  | { readonly kind: 'core'; readonly record: MountRecord; readonly router: Router<CorePath> }
  | { readonly kind: 'backend'; readonly record: MountRecord; readonly router: Router<Path>; readonly backend: Backend }
  | { readonly kind: 'auth'; readonly record: MountRecord; readonly router: Router<AuthPath>; readonly method: AuthMethod }
  /** Its plugin is not there: requests are refused, its leases wait. */
  | { readonly kind: 'broken'; readonly record: MountRecord; readonly why: string }

export type BackendMount = Extract<Mount, { kind: 'backend' }>

export const plainConfig: MountConfig = { default_lease_ttl: 0, max_lease_ttl: 0, force_no_cache: false }

export function parseMountRecord(value: Json): MountRecord {
  return value as unknown as MountRecord
}

export function mountRecordJson(record: MountRecord): JsonObject {
  return record as unknown as JsonObject
}

// Whatever is on its way to a target is there, or never will be, after a minute.
const reconcileAfterSeconds = 300

/** `afterMs`: how long something must have been seen without a lease before the policy is carried out. */
export function reconcileSettings(config: MountConfig | undefined): { readonly policy: ReconcilePolicy; readonly afterMs: number } {
  return { policy: config?.reconcile ?? 'report', afterMs: (config?.reconcile_after || reconcileAfterSeconds) * 1_000 }
}

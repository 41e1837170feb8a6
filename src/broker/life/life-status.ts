import type { JsonObject } from '../../contracts/index.ts'
import type { SealRecord } from '../../store/store.ts'
import type { Hold } from './hold.ts'
import type { LifeParts } from './life.ts'
import { shamirOf } from './shamir-of.ts'
import type { Working } from './working.ts'

/** What a broker tells anybody of its life. */
export interface LifeNow {
  readonly parts: LifeParts
  readonly record: SealRecord | undefined
  readonly working: Working | undefined
  readonly attempt: { readonly progress: number; readonly nonce: string } | undefined
  readonly hold: Hold
}

// Terraform's provider and others read it first and want a strict semantic version: the wire that Mayfly speaks. Its own version is `mayfly_version`.
const wireVersion = '2.6.2'
const buildDate = '2026-11-25T00:00:00Z'

/** The plain body of `sys/seal-status`, and of every unseal. */
export function sealStatus(now: LifeNow): JsonObject {
  const { parts, record, working, attempt } = now
  const config = record?.kind === 'shamir' ? shamirOf(record) : { shares: record ? 1 : 0, threshold: record ? 1 : 0 }
  return {
    type: parts.seal === 'shamir' ? 'shamir' : parts.seal.kind,
    initialized: record !== undefined,
    sealed: working === undefined,
    t: config.threshold,
    n: config.shares,
    progress: attempt?.progress ?? 0,
    nonce: attempt?.nonce ?? '',
    version: wireVersion,
    mayfly_version: parts.settings.version,
    build_date: buildDate,
    commit_date: buildDate,
    migration: false,
    ...cluster(now),
    recovery_seal: false,
    storage_type: parts.store.kind,
    ...held(now)
  }
}

/** A held store answers as a standby does: whoever only wants to read may ask it, and nobody else is sent there. */
export function health(now: LifeNow): JsonObject {
  const { parts, record, working, hold } = now
  return {
    initialized: record !== undefined,
    sealed: working === undefined,
    standby: record !== undefined && (working === undefined || hold.held !== undefined),
    performance_standby: false,
    replication_performance_mode: working ? 'disabled' : 'unknown',
    replication_dr_mode: working ? 'disabled' : 'unknown',
    server_time_utc: Math.floor((working?.parts.clock ?? parts.clock).now().epochMilliseconds / 1_000),
    version: wireVersion,
    mayfly_version: parts.settings.version,
    enterprise: false,
    echo_duration_ms: 0,
    clock_skew_ms: 0,
    clock_suspect: working?.parts.time.suspect() ?? false,
    ...cluster(now),
    ...held(now)
  }
}

function cluster({ record, working, hold }: LifeNow): JsonObject {
  if (!working || !record) return {}
  const instance = hold.instance ?? record.instance
  return { cluster_name: `mayfly-${instance.slice(0, 8)}`, cluster_id: instance }
}

/** Only where there is something to say: no other server has these fields. */
function held({ hold }: LifeNow): JsonObject {
  if (!hold.held) return {}
  const { cause, since, resuming } = hold.held
  return { held: true, held_cause: cause, held_since: since.toString(), ...(resuming ? { resuming_as: resuming } : {}) }
}

import { lockoutRule } from '../../broker/login/lockouts.ts'
import { reconcileSettings } from '../../broker/mounts/mount.ts'
import type { Mount, MountConfig, MountRecord } from '../../broker/mounts/mount.ts'
import type { Parts } from '../../broker/parts.ts'
import type { JsonObject } from '../../contracts/index.ts'

/** A mount as the tables of `sys/mounts` and `sys/auth` show it. A TTL of 0 means the system's. */
export function mountEntry(mount: Mount, version: string): JsonObject {
  const { record } = mount
  return {
    accessor: record.accessor,
    type: record.type,
    description: record.description,
    // Said of what a replica would not share.
    local: record.type === 'cubbyhole',
    seal_wrap: false,
    external_entropy_access: false,
    options: record.options ?? (mount.kind === 'core' ? null : {}),
    uuid: record.uuid,
    plugin_version: '',
    running_plugin_version: `v${version}+builtin.mayfly`,
    running_sha256: '',
    config: {
      default_lease_ttl: record.config.default_lease_ttl,
      max_lease_ttl: record.config.max_lease_ttl,
      force_no_cache: record.config.force_no_cache,
      ...tuned(record),
      ...(record.config.user_lockout_config ? { user_lockout_config: { ...record.config.user_lockout_config } } : {})
    },
    // Only where there is something to tell: clients of the wire do not know them.
    ...(record.ending ? { ending: true } : {}),
    ...(mount.kind === 'broken' ? { broken: mount.why } : {})
  }
}

/** The effective numbers, as `…/tune` shows them. */
export function tuneEntry(record: MountRecord, parts: Pick<Parts, 'mounts'>): JsonObject {
  const { defaultTtl, maxTtl } = parts.mounts.ttls(record)
  return {
    default_lease_ttl: defaultTtl,
    max_lease_ttl: maxTtl,
    force_no_cache: record.config.force_no_cache,
    description: record.description,
    ...(record.options ? { options: record.options } : {}),
    ...tuned(record),
    ...lockout(record),
    ...(hasTargets(record, parts.mounts) ? reconciling(record) : {})
  }
}

/** Mayfly's own, with their defaults: whoever looks wants to know what happens. */
function reconciling({ config }: MountRecord): JsonObject {
  const { policy, afterMs } = reconcileSettings(config)
  return { reconcile: policy, reconcile_after: afterMs / 1_000 }
}

/** Once anything was said of it, all that counts, by the longer names. */
function lockout(record: MountRecord): JsonObject {
  if (!record.config.user_lockout_config) return {}
  const { threshold, lastsFor, forgottenAfter, disabled } = lockoutRule(record)
  return {
    user_lockout_threshold: threshold,
    user_lockout_duration: lastsFor,
    user_lockout_counter_reset_duration: forgottenAfter,
    user_lockout_disable: disabled
  }
}

/** Neither what is part of the broker nor an auth method. */
export function hasTargets({ uuid, path }: MountRecord, mounts: Parts['mounts']): boolean {
  return !path.startsWith('auth/') && mounts.byUuid(uuid) !== undefined
}

const whenSet = [
  'audit_non_hmac_request_keys',
  'audit_non_hmac_response_keys',
  'listing_visibility',
  'reconcile',
  'reconcile_after'
] as const satisfies readonly (keyof MountConfig)[]

function tuned({ path, config }: MountRecord): JsonObject {
  const set = whenSet.flatMap(key => (config[key] === undefined ? [] : [[key, config[key]] as const]))
  return { ...Object.fromEntries(set), ...(path.startsWith('auth/') ? { token_type: config.token_type ?? 'default-service' } : {}) }
}

import { plainConfig } from '../../broker/mounts/mount.ts'
import type { MountConfig, ReconcilePolicy } from '../../broker/mounts/mount.ts'
import type { Parts } from '../../broker/parts.ts'
import { BrokerError, field, goDuration, z } from '../../contracts/index.ts'
import { changedLockout } from './lockout-config.ts'

/** `""` and `null` leave a TTL as it is; `0`, `"0s"` and `"system"` give it back to the system. */
const ttl = () => z.preprocess(value => (value === 'system' ? 0 : value), field.duration())

/** What may be said of a mount, at its creation (as `config`) and later (by `…/tune`). */
export const configFields = {
  default_lease_ttl: ttl(),
  max_lease_ttl: ttl(),
  force_no_cache: field.boolean(),
  audit_non_hmac_request_keys: field.commaList(),
  audit_non_hmac_response_keys: field.commaList(),
  listing_visibility: field.text(),
  token_type: field.text(),
  passthrough_request_headers: field.commaList(),
  allowed_response_headers: field.commaList(),
  plugin_version: field.text(),
  plugin_name: field.text(),
  user_lockout_config: field.json(),
  reconcile: field.text(),
  reconcile_after: field.duration()
}

export type ConfigFields = z.output<z.ZodObject<typeof configFields>>

const listKeys = ['audit_non_hmac_request_keys', 'audit_non_hmac_response_keys'] as const

// The audit shows these in clear: some twenty names are a lot.
const clearKeysMax = 100

/** The configuration with what the caller says; what was not said stays. `lockable`: of an auth method that can lock a name. */
export function changedConfig(
  present: MountConfig | undefined,
  said: ConfigFields,
  settings: Parts['settings'],
  lockable: boolean
): MountConfig {
  refuseNotOffered(said, lockable)
  const config: MountConfig = {
    ...(present ?? plainConfig),
    ...(said.default_lease_ttl === undefined ? {} : { default_lease_ttl: said.default_lease_ttl }),
    ...(said.max_lease_ttl === undefined ? {} : { max_lease_ttl: said.max_lease_ttl }),
    ...(said.force_no_cache === undefined ? {} : { force_no_cache: said.force_no_cache }),
    ...Object.fromEntries(listKeys.flatMap(key => (said[key] === undefined ? [] : [[key, clearKeys(key, said[key])]]))),
    ...(said.listing_visibility === undefined ? {} : { listing_visibility: visibility(said.listing_visibility) }),
    ...(said.token_type ? { token_type: tokenType(said.token_type) } : {}),
    ...reconciling(said)
  }
  refuseTtls(config, settings)
  if (said.user_lockout_config === undefined || !lockable) return config
  const { user_lockout_config: before, ...rest } = config
  const lockout = changedLockout(before, said.user_lockout_config)
  return lockout ? { ...rest, user_lockout_config: lockout } : rest
}

function refuseTtls(config: MountConfig, settings: Parts['settings']): void {
  const { default_lease_ttl: wanted, max_lease_ttl: max } = config
  if (max > 0 && wanted > max) throw refusal('given default lease TTL greater than given max lease TTL')
  if (max === 0 && wanted > settings.maxTtl)
    throw refusal(`given default lease TTL of ${wanted} seconds greater than system default max lease TTL of ${settings.maxTtl} seconds`)
}

function clearKeys(name: string, keys: readonly string[]): readonly string[] {
  if (keys.length > clearKeysMax) throw refusal(`${name}: at most ${clearKeysMax} names`)
  return keys
}

// Longer than an issue may take, its server-side time limits and the grace of its lease included.
const reconcileAfterMin = 60
const reconcileAfterMax = 30 * 86_400

/** What becomes of objects without a lease in the targets of a mount. `""` leaves it as it is, 0 gives the time back to the system. */
function reconciling({ reconcile, reconcile_after: after }: ConfigFields): Pick<MountConfig, 'reconcile' | 'reconcile_after'> {
  if (after && (after < reconcileAfterMin || after > reconcileAfterMax))
    throw refusal(
      `reconcile_after: expected at least ${goDuration(reconcileAfterMin)} and at most ${goDuration(reconcileAfterMax)}, or 0 for the default`
    )
  return { ...(reconcile ? { reconcile: reconcilePolicy(reconcile) } : {}), ...(after === undefined ? {} : { reconcile_after: after }) }
}

function reconcilePolicy(asked: string): ReconcilePolicy {
  if (asked === 'report' || asked === 'adopt' || asked === 'remove') return asked
  throw refusal('reconcile: expected "report", "adopt" or "remove"')
}

function visibility(asked: string): 'unauth' | 'hidden' {
  if (asked === 'unauth') return 'unauth'
  if (asked === '' || asked === 'hidden') return 'hidden'
  throw refusal('listing_visibility: expected "unauth" or "hidden"')
}

function tokenType(asked: string): string {
  if (asked === 'default-service' || asked === 'service') return asked
  throw refusal('token_type: expected "default-service" or "service"; batch tokens are not offered')
}

/** What would change who sees what, or which code runs, is never ignored. No header reaches a backend at all (CVE-2026-4525). */
function refuseNotOffered(said: ConfigFields, lockable: boolean): void {
  for (const name of ['passthrough_request_headers', 'allowed_response_headers'] as const)
    if (said[name]?.length) throw refusal(`${name} is not offered: no header of a request reaches a backend`)
  if (said.plugin_version) throw refusal('plugin_version is not offered: a backend has the version that the broker loaded')
  const lockout = said.user_lockout_config
  if (!lockable && lockout !== undefined && lockout !== null && Object.keys(lockout).length > 0)
    throw refusal('user_lockout_config is not offered for this type')
}

function refusal(message: string): BrokerError {
  return new BrokerError('invalid_request', message)
}

import type { LockoutConfig } from '../../broker/mounts/mount.ts'
import { BrokerError, field, parseFields, z } from '../../contracts/index.ts'
import type { Json, JsonObject } from '../../contracts/index.ts'

const lockoutFields = z.object({
  lockout_threshold: field.integer(),
  lockout_duration: field.duration(),
  lockout_counter_reset_duration: field.duration(),
  lockout_disable: field.boolean()
})

const thresholdMax = 1_000_000

/** The lockout of an auth method with what the caller says; what was not said stays. `null` gives it back to what it was. */
export function changedLockout(present: LockoutConfig | undefined, said: Json): LockoutConfig | undefined {
  if (said === null) return undefined
  if (typeof said !== 'object' || Array.isArray(said)) throw refusal('expected an object')
  const { fields, unknown } = parseFields(lockoutFields, said as JsonObject)
  if (unknown.length > 0)
    throw refusal('expected lockout_threshold, lockout_duration, lockout_counter_reset_duration and lockout_disable only')
  if (fields.lockout_threshold !== undefined && !(fields.lockout_threshold >= 1 && fields.lockout_threshold <= thresholdMax))
    throw refusal(`lockout_threshold: expected 1 to ${thresholdMax}; lockout_disable turns it off`)
  for (const name of ['lockout_duration', 'lockout_counter_reset_duration'] as const)
    if (fields[name] === 0) throw refusal(`${name}: expected more than 0`)
  const changes = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
  return { ...present, ...changes }
}

function refusal(message: string): BrokerError {
  return new BrokerError('invalid_request', `user_lockout_config: ${message}`)
}

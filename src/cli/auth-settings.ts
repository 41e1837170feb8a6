import type { JsonObject } from '../contracts/index.ts'
import type { Typed } from './typed.ts'
import { UsageError } from './usage-error.ts'

export const authSettingOptions = {
  '--default-lease-ttl <time>': 'how long tokens live, where the role says nothing',
  '--max-lease-ttl <time>': 'how long they live at most',
  '--listing-visibility <who>': 'unauth or hidden',
  '--user-lockout-threshold <n>': 'after how many failed logins in a row a name is locked (5)',
  '--user-lockout-duration <time>': 'for how long (15m)',
  '--user-lockout-counter-reset-duration <time>': 'after how long without a failure they are forgotten (15m)',
  '--user-lockout-disable <yes>': 'true: nothing is ever locked'
}

/** Only what was said; the rest stays as it is. */
export function authSettings(typed: Typed): JsonObject {
  const lockout = given({
    lockout_threshold: typed.text('userLockoutThreshold'),
    lockout_duration: typed.text('userLockoutDuration'),
    lockout_counter_reset_duration: typed.text('userLockoutCounterResetDuration'),
    lockout_disable: yesOrNo(typed.text('userLockoutDisable'))
  })
  return {
    ...given({
      default_lease_ttl: typed.text('defaultLeaseTtl'),
      max_lease_ttl: typed.text('maxLeaseTtl'),
      listing_visibility: typed.text('listingVisibility')
    }),
    ...(Object.keys(lockout).length > 0 ? { user_lockout_config: lockout } : {})
  }
}

function given(said: Readonly<Record<string, string | undefined>>): JsonObject {
  return Object.fromEntries(Object.entries(said).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

function yesOrNo(said: string | undefined): string | undefined {
  if (said === undefined || said === 'true' || said === 'false') return said
  throw new UsageError('user-lockout-disable: expected true or false')
}

import { BrokerError, field } from '../contracts/index.ts'
import type { Login, z } from '../contracts/index.ts'
import { boundCidrs } from '../identity/bound-cidrs.ts'
import { assignablePolicyName } from '../policy/policy-name.ts'

/** What every role of every auth method says of the tokens that its logins give, by the names of the wire. Seconds; 0 = not said. */
export interface TokenSettings {
  readonly token_ttl: number
  readonly token_max_ttl: number
  readonly token_explicit_max_ttl: number
  readonly token_period: number
  readonly token_policies: readonly string[]
  readonly token_no_default_policy: boolean
  readonly token_bound_cidrs: readonly string[]
  /** To the address of the login. */
  readonly token_strictly_bind_ip: boolean
  /** 0 = without limit. */
  readonly token_num_uses: number
  readonly token_type: string
}

export const plainTokenSettings: TokenSettings = {
  token_ttl: 0,
  token_max_ttl: 0,
  token_explicit_max_ttl: 0,
  token_period: 0,
  token_policies: [],
  token_no_default_policy: false,
  token_bound_cidrs: [],
  token_strictly_bind_ip: false,
  token_num_uses: 0,
  token_type: 'default'
}

export const tokenSettingFields = {
  token_ttl: field.duration(),
  token_max_ttl: field.duration(),
  token_explicit_max_ttl: field.duration(),
  token_period: field.duration(),
  token_policies: field.commaList(),
  token_no_default_policy: field.boolean(),
  token_bound_cidrs: field.commaList(),
  token_strictly_bind_ip: field.boolean(),
  token_num_uses: field.integer(),
  token_type: field.text()
}

// Far above what anybody writes, so that a token's row stays small.
const policiesMax = 256
const usesMax = 2_147_483_647

/** The settings with what the caller says, as they will be kept. What was not said stays. */
export function changedTokenSettings(present: TokenSettings, said: z.output<z.ZodObject<typeof tokenSettingFields>>): TokenSettings {
  const settings = {
    ...present,
    ...picked(said),
    ...(said.token_policies && { token_policies: policyNames(said.token_policies) }),
    ...(said.token_bound_cidrs && { token_bound_cidrs: boundCidrs(said.token_bound_cidrs, []) }),
    ...(said.token_type !== undefined && { token_type: tokenType(said.token_type) })
  }
  refuseNumber('token_num_uses', settings.token_num_uses)
  if (settings.token_max_ttl > 0 && settings.token_ttl > settings.token_max_ttl)
    throw new BrokerError('invalid_request', "'token_ttl' cannot be greater than 'token_max_ttl'")
  return settings
}

/** Uses and other counts of the wire. */
export function refuseNumber(name: string, value: number): void {
  if (value < 0) throw new BrokerError('invalid_request', `${name}: cannot be negative`)
  if (value > usesMax) throw new BrokerError('invalid_request', `${name}: at most ${usesMax}`)
}

// The rest is brought into a canonical form first.
const plain = [
  'token_ttl',
  'token_max_ttl',
  'token_explicit_max_ttl',
  'token_period',
  'token_no_default_policy',
  'token_strictly_bind_ip',
  'token_num_uses'
] as const

function picked(said: z.output<z.ZodObject<typeof tokenSettingFields>>): Partial<TokenSettings> {
  return Object.fromEntries(plain.map(name => [name, said[name]]).filter(([, value]) => value !== undefined))
}

/** In their canonical form; what no login may give is refused where it is written (CVE-2025-64761). */
function policyNames(names: readonly string[]): readonly string[] {
  if (names.length > policiesMax) throw new BrokerError('invalid_request', `token_policies: at most ${policiesMax} names`)
  try {
    return [...new Set(names.filter(name => name !== '').map(assignablePolicyName))]
  } catch (error) {
    throw error instanceof BrokerError ? new BrokerError(error.code, `token_policies: ${error.message}`) : error
  }
}

function tokenType(asked: string): string {
  if (asked === '' || asked === 'default') return 'default'
  if (asked === 'service' || asked === 'default-service') return asked
  throw new BrokerError('invalid_request', 'token_type: expected "default", "default-service" or "service"; batch tokens are not offered')
}

/** The part of a login that the role says. */
export function loginSettings(settings: TokenSettings, remoteAddress: string) {
  return {
    policies: settings.token_policies,
    noDefaultPolicy: settings.token_no_default_policy,
    ttl: settings.token_ttl,
    maxTtl: settings.token_max_ttl,
    explicitMaxTtl: settings.token_explicit_max_ttl,
    period: settings.token_period,
    uses: settings.token_num_uses,
    boundCidrs: settings.token_strictly_bind_ip ? [remoteAddress] : settings.token_bound_cidrs
  } satisfies Partial<Login>
}

/** The token that a login gives, without its secret: pure. What it consumes, and whether the method's mount still serves, is asked in the commit. */
import { BrokerError } from '../contracts/index.ts'
import type { Login } from '../contracts/index.ts'
import { computeTtl } from '../lease/ttl.ts'
import { fixedPolicies, normalisePolicyName } from '../policy/policy-name.ts'
import type { Token } from '../store/token.ts'
import { boundCidrs } from './bound-cidrs.ts'
import type { TokenTtls } from './token-lifetime.ts'

export interface LoginPlan {
  readonly token: Omit<Token, 'hash' | 'accessor' | 'path' | 'entity'>
  readonly warnings: readonly string[]
}

interface LoginSource {
  /** Such as `auth/approle/`. */
  readonly mountPath: string
  readonly ttls: TokenTtls
}

const displayNameCharsMax = 128

export function planLogin(login: Login, { mountPath, ttls }: LoginSource, now: Temporal.Instant): LoginPlan {
  const { seconds, expiresAt, warnings } = computeTtl({
    start: now,
    now,
    increment: 0,
    defaults: [login.ttl, ttls.defaultTtl],
    maxima: [ttls.maxTtl, login.maxTtl],
    explicitMax: login.explicitMaxTtl,
    period: login.period
  })
  return {
    token: {
      parent: null,
      depth: 0,
      policies: policiesOf(login),
      displayName: displayNameOf(mountPath, login.displayName),
      meta: Object.keys(login.metadata).length === 0 ? null : login.metadata,
      uses: login.uses,
      issuedAt: now,
      creationTtl: seconds,
      explicitMaxTtl: login.explicitMaxTtl,
      period: login.period,
      renewable: true,
      expiresAt,
      lastRenewal: null,
      boundCidrs: boundCidrs(login.boundCidrs, []),
      endedAt: null,
      endedBy: null
    },
    warnings: [...warnings, ...(login.warnings ?? [])]
  }
}

/** Whatever a method was talked into: no login gives what only root may give (CVE-2025-5999 and its kind). */
function policiesOf({ policies, noDefaultPolicy }: Login): readonly string[] {
  const names = policies.filter(name => name !== '').map(normalisePolicyName)
  if (names.some(name => fixedPolicies.has(name))) throw new BrokerError('invalid_request', 'auth methods cannot create root tokens')
  return [...new Set(noDefaultPolicy ? names : [...names, 'default'])].toSorted()
}

function displayNameOf(mountPath: string, name: string): string {
  const source = mountPath.replace(/^auth\//, '').replace(/\/$/, '')
  return `${source}-${name}`
    .replaceAll(/[^a-zA-Z0-9-]/g, '-')
    .replace(/-+$/, '')
    .slice(0, displayNameCharsMax)
}

import { BrokerError } from '../../contracts/index.ts'
import type { Issuance } from '../../contracts/index.ts'
import { computeTtl } from '../../lease/ttl.ts'
import type { Ttl } from '../../lease/ttl.ts'
import type { Token } from '../../store/token.ts'
import type { Call } from '../door/core-path.ts'
import type { BackendMount } from '../mounts/mount.ts'

/** How long a planned credential lives: as role, mount and broker say, and no longer than its token can. */
export function lifetime(call: Call, mount: BackendMount, plan: Issuance): Ttl {
  const { parts } = call
  const now = parts.clock.now()
  const { config } = mount.record
  const ttl = computeTtl({
    start: now,
    now,
    increment: 0,
    defaults: [plan.ttl, config.default_lease_ttl, parts.settings.credentialTtl],
    maxima: [parts.mounts.ttls(mount.record).maxTtl, plan.maxTtl],
    parentEnd: plan.outlivesToken ? undefined : latestEnd(call.identity.token)
  })
  const { ttlMin = 0 } = plan
  if (ttl.seconds < ttlMin)
    throw new BrokerError('invalid_request', `token and mount leave ${ttl.seconds} s, and none is made that lives less than ${ttlMin} s`)
  return ttl
}

/** The latest moment at which the token can still live: its expiry when nobody can move it, else its explicit maximum. */
export function latestEnd(token: Token | null): Temporal.Instant | undefined {
  if (!token?.expiresAt) return undefined
  if (!token.renewable) return token.expiresAt
  return token.explicitMaxTtl > 0 ? token.issuedAt.add({ seconds: token.explicitMaxTtl }) : undefined
}

import { BrokerError } from '../../contracts/index.ts'
import { mountReader } from '../../broker/mounts/mount-storage.ts'
import type { Parts } from '../../broker/parts.ts'
import { renewedLifetime } from '../../identity/token-lifetime.ts'
import type { Ttl } from '../../lease/ttl.ts'
import type { Token } from '../../store/token.ts'
import { tokenTtls } from './token-ttls.ts'

/** How long a token lives on. One that a login gave is the business of its auth method: what its role says now counts, and a role that is gone renews nothing. */
export async function renewal(parts: Parts, token: Token, increment: number): Promise<Ttl> {
  const now = parts.clock.now()
  if (token.authMount === undefined) return renewedLifetime(token, increment, tokenTtls(parts), now)
  const mount = parts.mounts.byUuid(token.authMount)
  if (mount?.kind !== 'auth')
    throw new BrokerError('invalid_lease', 'the auth method that gave this token does not serve: log in again later')
  const terms = await mount.method.renew?.({ metadata: token.meta ?? {}, issuedAt: token.issuedAt }, mountReader(parts, token.authMount))
  return renewedLifetime(token, increment, parts.mounts.ttls(mount.record), now, terms)
}

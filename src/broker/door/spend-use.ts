import type { Parts } from '../parts.ts'
import type { Identity } from './request.ts'
import { commit } from './exchange.ts'

/** A token with a number of uses pays one for each request, refused ones included, by one conditional statement: of a hundred parallel last uses one goes through.
 *  The last use ends the token; this request still goes on. */
export async function spendUse(parts: Parts, identity: Identity): Promise<Identity> {
  if (!identity.token || identity.token.uses === 0) return identity
  const [spent] = await commit(parts, [{ kind: 'token.use', now: parts.clock.now(), hash: identity.token.hash }], [])
  if (spent?.token?.endedAt) parts.wake()
  return { ...identity, token: spent?.token ?? identity.token }
}

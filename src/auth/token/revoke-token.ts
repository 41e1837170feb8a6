import { BrokerError } from '../../contracts/index.ts'
import { tokenHash } from '../../broker/door/authenticate.ts'
import type { Call } from '../../broker/door/core-path.ts'
import type { Outcome } from '../../broker/door/request.ts'
import { decide } from '../../policy/decide.ts'

interface Shown {
  token?: string | undefined
}

export async function revokeSelf(call: Call<unknown>): Promise<Outcome> {
  if (call.identity.token) end(call, call.identity.token.hash)
  return undefined
}

/** 204 for an unknown token too, so that a repeat of a lost reply succeeds. */
export async function revokeToken(call: Call<Shown>): Promise<Outcome> {
  end(call, tokenHash(call.parts, shown(call)))
  return undefined
}

export async function revokeAccessor(call: Call<{ accessor?: string | undefined }>): Promise<Outcome> {
  const { accessor } = call.fields
  if (!accessor) throw new BrokerError('invalid_request', 'missing accessor')
  const token = await call.parts.store.tokenByAccessor(accessor)
  if (!token || token.endedAt !== null) return { warnings: ['No token found with this accessor'] }
  end(call, token.hash)
  return undefined
}

/** Children become orphans and live on; the token's own leases end. Sudo is asked here, because the wire answers 400 and not 403. */
export async function revokeOrphan(call: Call<Shown>): Promise<Outcome> {
  const { identity, request, parts } = call
  const sudo = decide(identity.acl, { path: request.path, capability: 'update', sudo: true, parameters: request.data }).allowed
  if (!sudo) throw new BrokerError('invalid_request', 'root or sudo privileges required to revoke and orphan')
  const hash = tokenHash(parts, shown(call))
  const token = await parts.store.token(hash)
  if (!token || token.endedAt !== null) throw new BrokerError('invalid_request', 'token to revoke not found')
  end(call, hash, true)
  return undefined
}

function shown(call: Call<Shown>): string {
  if (!call.fields.token) throw new BrokerError('invalid_request', 'missing token ID')
  return call.fields.token
}

/** In one commit the token and all below it become unusable, and the cascade that ends their leases is there; the ending itself is queued. */
function end(call: Call<unknown>, hash: string, orphan = false): void {
  call.change({ kind: 'token.end', hash, cause: 'token-revoked', orphan, by: call.identity.token?.displayName ?? '' })
  call.afterCommit(call.parts.wake)
}

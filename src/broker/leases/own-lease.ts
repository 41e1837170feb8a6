import { BrokerError } from '../../contracts/index.ts'
import type { LeaseId } from '../../contracts/index.ts'
import type { Lease } from '../../lease/lease.ts'
import { decide } from '../../policy/decide.ts'
import { listed } from '../door/authorize.ts'
import type { Call } from '../door/core-path.ts'

/** Knowing a lease id gives no right. The caller's own leases are reached by the plain rule that brought the request here (`default` has it); for somebody else's a
 *  rule must name them as `sys/leases/<verb>/<lease path>`, also when the id comes in the body. A missing lease is told only to a caller who may reach it. */
export async function reachableLease(call: Call<unknown>, verb: 'lookup' | 'renew' | 'revoke', id: string): Promise<Lease | undefined> {
  const lease = await call.parts.store.lease(id as LeaseId)
  if (lease && owns(call, lease)) return lease
  const decision = decide(call.identity.acl, { path: `sys/leases/${verb}/${id}`, capability: 'update', parameters: call.request.data })
  if (!decision.allowed) throw new BrokerError('permission_denied', listed('permission denied'))
  return lease
}

function owns(call: Call<unknown>, lease: Lease): boolean {
  const { token } = call.identity
  return token !== null && (lease.token === token.hash || (token.entity !== '' && lease.entity === token.entity))
}

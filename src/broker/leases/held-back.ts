import type { Issued } from '../../contracts/index.ts'
import type { Call } from '../door/core-path.ts'
import type { Reply } from '../door/request.ts'

// Clients give up after 60 s, and the credential lives meanwhile.
const waitMsMax = 30_000

/** The reply, once what the credential is waited for with has come, or has not. The lease is active and nothing of the target's is taken: whoever hangs here holds up nobody. */
export async function heldBack(call: Call, reply: Reply, afterwards: NonNullable<Issued['afterwards']>): Promise<Reply> {
  const { clock, log } = call.parts
  using deadline = clock.within(waitMsMax, call.signal)
  const warnings = await afterwards(deadline.signal).catch((error: unknown) => {
    if (!call.signal.aborted) log.warn('a credential could not be waited for', { lease: call.lease }, error)
    return []
  })
  return warnings.length === 0 ? reply : { ...reply, warnings: [...(reply.warnings ?? []), ...warnings] }
}

import type { Issued } from '../../contracts/index.ts'
import type { Call } from '../door/core-path.ts'
import type { Reply } from '../door/request.ts'
import { refuseUseless } from './refuse-useless.ts'

// Clients give up after 60 s, and the credential lives meanwhile.
const waitMsMax = 30_000

/** The reply, once what the credential is waited for with has come, or has not. The lease is active and nothing of the target's is taken: whoever hangs here holds up nobody. */
export async function heldBack(
  call: Call,
  reply: Reply,
  expiresAt: Temporal.Instant,
  afterwards: NonNullable<Issued['afterwards']>
): Promise<Reply> {
  const { clock, log } = call.parts
  using deadline = clock.within(waitMsMax, call.signal)
  const warnings = await afterwards(deadline.signal).catch((error: unknown) => {
    if (!call.signal.aborted) log.warn('a credential could not be waited for', { lease: call.lease }, error)
    return []
  })
  const now = clock.now()
  try {
    refuseUseless(call.request, expiresAt, now)
  } catch (error) {
    await endUnread(call)
    throw error
  }
  const left = withTimeLeft(reply, Math.ceil((expiresAt.epochMilliseconds - now.epochMilliseconds) / 1_000))
  return warnings.length === 0 ? left : { ...left, warnings: [...(left.warnings ?? []), ...warnings] }
}

/** Nobody will ever use it. Where this cannot be written it ends by its time. */
async function endUnread({ parts, lease }: Call): Promise<void> {
  const due = { kind: 'lease.due', now: parts.clock.now(), id: lease, cause: 'issue-failed' } as const
  await parts.store.commit([due], []).catch((error: unknown) => {
    parts.log.error('a credential that nobody waited for could not be made due', { lease }, error)
  })
  parts.wake()
}

/** What was waited is over. A reply that was wrapped before tells its holder the time of its making. */
function withTimeLeft(reply: Reply, seconds: number): Reply {
  return reply.lease ? { ...reply, lease: { ...reply.lease, seconds: Math.min(reply.lease.seconds, seconds) } } : reply
}

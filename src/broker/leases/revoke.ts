/** Revocations on request. A request never calls `revoke` on a backend: it makes the lease due, wakes the sweeper and waits for the outcome. One code path ends
 *  credentials. */
import { BrokerError } from '../../contracts/index.ts'
import type { LeaseId } from '../../contracts/index.ts'
import type { Lease } from '../../lease/lease.ts'
import type { Call } from '../door/core-path.ts'
import { reachableLease } from './own-lease.ts'
import type { Parts } from '../parts.ts'
import type { Outcome } from '../door/request.ts'

// Below every client's own time-out (30 s and more).
export const syncWaitMsMax = 20_000

const pollMs = 200

/** An unknown lease is 204 on the wire. */
export async function revokeLease(call: Call<unknown>, id: string, sync: boolean): Promise<Outcome> {
  const lease = await reachableLease(call, 'revoke', id)
  if (!lease || lease.state === 'revoked') return undefined
  const settled = sync ? call.parts.watch.next(lease.id, syncWaitMsMax, call.signal) : undefined
  call.change({ kind: 'lease.due', id: lease.id, cause: 'manual' })
  if (!settled) {
    call.afterCommit(call.parts.wake)
    return { status: 202 }
  }
  return { wait: () => outcomeOf(call.parts, lease.id, settled) }
}

async function outcomeOf(parts: Parts, id: LeaseId, settled: ReturnType<Parts['watch']['next']>): Promise<Outcome> {
  parts.wake()
  const outcome = await settled
  if (outcome && outcome.kind !== 'failed') return undefined
  const now = await parts.store.lease(id)
  if (!now || now.state === 'revoked' || now.endedAt !== null) return undefined
  const target = await parts.store.target(now.target)
  throw failed(outcome?.error ?? now.lastError ?? target?.lastError ?? 'the target has not answered yet; revoking goes on')
}

/** Every lease whose id begins with the prefix; a complete id is that lease alone. */
export async function revokePrefix(call: Call<unknown>, prefix: string, sync: boolean): Promise<Outcome> {
  const { parts } = call
  const exact = await parts.store.lease(prefix as LeaseId)
  if (exact) return revokeUnchecked(call, exact.id, sync)
  const selector = { kind: 'prefix', prefix: prefix.endsWith('/') || prefix === '' ? prefix : `${prefix}/` } as const
  call.change({ kind: 'cascade.open', selector, cause: 'prefix', by: call.identity.token?.displayName ?? '' })
  if (!sync) {
    call.afterCommit(() => opened(parts))
    return { status: 202 }
  }
  return { wait: () => emptied(parts, selector.prefix) }
}

async function revokeUnchecked(call: Call<unknown>, id: LeaseId, sync: boolean): Promise<Outcome> {
  const settled = sync ? call.parts.watch.next(id, syncWaitMsMax, call.signal) : undefined
  call.change({ kind: 'lease.due', id, cause: 'prefix' })
  if (!settled) {
    call.afterCommit(call.parts.wake)
    return { status: 202 }
  }
  return { wait: () => outcomeOf(call.parts, id, settled) }
}

async function opened(parts: Parts): Promise<void> {
  await parts.at('cascade:after-open')
  parts.wake()
}

/** Waits until access is over for all; those that could not be ended are counted, after all were tried. */
async function emptied(parts: Parts, prefix: string): Promise<Outcome> {
  await opened(parts)
  const left = await untilEnded(parts, () => parts.store.liveBelow(prefix))
  if (left === 0) return undefined
  throw failed(`failed to revoke "${prefix}" (${left} left): revoking goes on`)
}

/** Asks again until nothing is left or the time is over; the number that is left. */
export async function untilEnded(parts: Parts, count: () => Promise<number>): Promise<number> {
  const until = parts.clock.elapsed() + syncWaitMsMax
  let left = await count()
  while (left > 0 && parts.clock.elapsed() < until) {
    await parts.clock.sleep(pollMs)
    left = await count()
  }
  return left
}

// In one commit, in which nobody else writes: so many took 30 ms on a busy machine (measured).
const forceBatchMax = 100

/** Gives up on the target, by hand and with its own right: the leases leave lists and retries, stay in history, and the audit says that the target was not cleaned. What is issued from here
 *  on was not meant. */
export async function forceRevoke(call: Call<unknown>, prefix: string): Promise<Outcome> {
  const { parts } = call
  const by = call.identity.token?.displayName ?? ''
  const below = (await parts.store.lease(prefix as LeaseId)) || prefix.endsWith('/') ? prefix : `${prefix}/`
  return {
    wait: async () => {
      const asked = parts.clock.now()
      for (let after: string | undefined = ''; after !== undefined;) {
        const ids: readonly string[] = await parts.store.leaseIds(below, after, forceBatchMax)
        const leases = (await Promise.all(ids.map(id => parts.store.lease(id as LeaseId)))).flatMap(lease => lease ?? [])
        await force(
          parts,
          leases.filter(({ issuedAt }) => Temporal.Instant.compare(issuedAt, asked) <= 0),
          by
        )
        after = ids.length < forceBatchMax ? undefined : ids.at(-1)
      }
      return undefined
    }
  }
}

async function force(parts: Parts, leases: readonly Lease[], by: string): Promise<void> {
  if (leases.length === 0) return
  const now = parts.clock.now()
  const forced = (lease: Lease) =>
    ({ kind: 'lease.force', now, prefix: lease.id, by, limit: 1, audit: [parts.trail.forced(lease, by)] }) as const
  await parts.store.commit(leases.map(forced), [])
  for (const { id } of leases) parts.watch.settled(id, { kind: 'gone' })
}

function failed(why: string): BrokerError {
  return new BrokerError('invalid_request', `failed to revoke entry: ${why}`)
}

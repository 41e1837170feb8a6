import { BrokerError } from '../../contracts/index.ts'
import type { Json, Usage } from '../../contracts/index.ts'
import type { Lease } from '../../lease/lease.ts'
import { unused, withObserved } from '../../lease/usage.ts'
import type { LeaseAt } from '../../store/store.ts'
import { openHandle } from '../leases/lease-rows.ts'
import type { Parts } from '../parts.ts'
import type { ObservedTarget } from './observer.ts'

const pageSize = 100
const pageLimitMs = 30_000

// Between pages; and where something is to be revoked.
const restMs = 250
const giveWayMs = 2_000
const giveWayTimesMax = 5

/** Goes through the live leases of a target in pages. Rejects when the target fails; what was told until then is kept. */
export async function observeTarget(parts: Parts, target: ObservedTarget, signal: AbortSignal): Promise<void> {
  let after: LeaseAt | undefined
  for (;;) {
    if (!(await gaveWay(parts, target, signal))) return
    const page = await parts.store.activeLeases(target.id, after, pageSize)
    if (page.length > 0) await observePage(parts, target, await parts.store.leasesNamed(page.map(({ name }) => name)), signal)
    if (page.length < pageSize) return
    after = page.at(-1)
    await parts.clock.sleep(restMs, signal)
  }
}

/** Waits while something is to be revoked there; false when that goes on: its turn comes again. */
async function gaveWay({ store, clock }: Parts, { id }: ObservedTarget, signal: AbortSignal): Promise<boolean> {
  for (let waits = 0; waits < giveWayTimesMax; waits++) {
    if (!(await store.isDue(id, clock.now()))) return true
    await clock.sleep(giveWayMs, signal)
  }
  return false
}

async function observePage(parts: Parts, target: ObservedTarget, found: readonly Lease[], signal: AbortSignal): Promise<void> {
  const asked = found.filter(({ credential }) => credential === target.credential).flatMap(lease => openable(parts, lease))
  if (asked.length === 0) return
  const leases = asked.map(({ lease }) => lease)
  const handles = asked.map(({ handle }) => handle)
  using deadline = parts.clock.within(pageLimitMs, signal)
  const told: unknown = await parts.healths.watch(target.id, () => target.observe(target.id, handles, deadline.signal))
  if (!Array.isArray(told) || told.length !== leases.length)
    throw new BrokerError('target_refused', 'the backend tells of other credentials than it was asked for')
  const seen = leases.flatMap((lease, at) => newUsage(lease, told[at]))
  if (seen.length > 0) await parts.store.commit([{ kind: 'lease.observed', now: parts.clock.now(), found: seen }], [])
}

/** One that does not open is told as such when it is to end; here it keeps nobody from asking for the others. */
function openable(parts: Parts, lease: Lease): readonly { readonly lease: Lease; readonly handle: Json }[] {
  try {
    return [{ lease, handle: openHandle(parts, lease) }]
  } catch {
    return []
  }
}

/** Nothing, when it is what was known already: most credentials are used between two looks, or never. */
function newUsage(lease: Lease, told: unknown): readonly { readonly id: Lease['id']; readonly usage: Usage }[] {
  const usage = properUsage(told)
  if (!usage) return []
  const { firstSeen, lastSeen, ...rest } = usage
  const before = lease.usage ?? unused
  const after = withObserved(before, { ...rest, firstSeen: firstSeen?.epochMilliseconds, lastSeen: lastSeen?.epochMilliseconds })
  return JSON.stringify(after) === JSON.stringify(before) ? [] : [{ id: lease.id, usage }]
}

/** What is no proper word of a backend counts as none. */
function properUsage(told: unknown): Usage | undefined {
  if (typeof told !== 'object' || told === null) return undefined
  const { firstSeen, lastSeen, uses, from } = told as Partial<Record<string, unknown>>
  return {
    ...(firstSeen instanceof Temporal.Instant ? { firstSeen } : {}),
    ...(lastSeen instanceof Temporal.Instant ? { lastSeen } : {}),
    ...(Number.isSafeInteger(uses) && (uses as number) >= 0 ? { uses: uses as number } : {}),
    ...(Array.isArray(from) ? { from: from.filter(place => typeof place === 'string') } : {})
  }
}

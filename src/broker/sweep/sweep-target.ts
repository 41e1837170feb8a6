/** Revokes what is due at one target, batch by batch: claim, group by credential type and recipe, revoke once a group, settle. */
import type { CredentialType, Json, RevokedLease, RevokeOutcome, TargetId } from '../../contracts/index.ts'
import { BrokerError } from '../../contracts/index.ts'
import type { Lease } from '../../lease/lease.ts'
import type { Change, Settlement } from '../../store/change.ts'
import { LostCondition } from '../../store/store.ts'
import { openHandle, openRecipe } from '../leases/lease-rows.ts'
import { mountStorage } from '../mounts/mount-storage.ts'
import type { Parts } from '../parts.ts'
import { codeOf, meterOutcome } from '../meter/meter-outcome.ts'
import { properOutcome, settlement, timely, told } from './settlement.ts'
import { recover, targetFailed } from './target-state.ts'

// Two looks 200 ms apart per batch: 64 would end 289 leases a second on one connection, 500 end 2,117 (measured).
const claimBatchMax = 500

// Ends sessions (10 s), cleans up, drops, verifies; the lease may be claimed anew only after it.
const revokeLimitMs = 40_000
const claimMs = revokeLimitMs + 20_000

// The target's clock and ours may differ by this much before a lease counts as not due there.
const targetClockToleranceMs = 5_000
const earlyAgainMs = 30_000

/** `dueBefore`: the store's time, or the wall clock's where no second source can be asked. */
export async function sweepTarget(parts: Parts, target: TargetId, signal: AbortSignal, dueBefore?: Temporal.Instant): Promise<boolean> {
  for (let worked = false; ; worked = true) {
    if (signal.aborted) return worked
    const claimed = await claim(parts, target, dueBefore)
    if (claimed.length === 0) return worked
    await parts.at('revoke:after-claim')
    const triedAt = parts.clock.elapsed()
    try {
      const due = await dueByTargetClock(parts, target, claimed, signal)
      await revokeGroups(parts, target, byRecipe(due), signal)
    } catch (error) {
      if (!(error instanceof TargetFailed)) throw error
      // The broker is ending: no failure of the target. The claims are given back when it is unsealed again.
      if (!signal.aborted) parts.meter.revocationFailed(codeOf(error.cause))
      if (!signal.aborted) await targetFailed(parts, target, claimed, error.cause, parts.clock.elapsed() - triedAt)
      return true
    }
    await recover(parts, target)
  }
}

/** The target failed as a whole; the store or a lease did not. */
class TargetFailed extends Error {}

async function asTarget<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new TargetFailed('the target failed', { cause })
  }
}

async function claim(parts: Parts, target: TargetId, dueBefore: Temporal.Instant | undefined): Promise<readonly Lease[]> {
  const now = parts.clock.now()
  const until = now.add({ milliseconds: claimMs })
  const [result] = await parts.store.commit(
    [{ kind: 'lease.claim', now, target, dueBefore: dueBefore ?? now, limit: claimBatchMax, until }],
    []
  )
  return result?.leases ?? []
}

/** A second source for leases that end only because their time is over: the target's own clock. What is not due there is left alone, with an alarm. */
async function dueByTargetClock(parts: Parts, target: TargetId, leases: readonly Lease[], signal: AbortSignal): Promise<readonly Lease[]> {
  const byTime = leases.filter(lease => lease.cause === 'expired' && lease.endedAt === null)
  const credential = byTime.length === 0 ? undefined : credentialOf(parts, byTime[0]!)
  if (!credential?.now) return leases
  using deadline = parts.clock.within(revokeLimitMs, signal)
  const there = await asTarget(() => credential.now!(target, deadline.signal))
  const early = new Set(byTime.filter(lease => lease.expiresAt.epochMilliseconds - there.epochMilliseconds > targetClockToleranceMs))
  if (early.size === 0) return leases
  parts.log.error('leases are due here and not by the clock of their target: they are left alone', { target, leases: early.size })
  const again = parts.clock.now().add({ milliseconds: earlyAgainMs })
  await settle(
    parts,
    [...early].map(lease => ({ id: lease.id, version: lease.version, outcome: 'early', again }))
  )
  return leases.filter(lease => !early.has(lease))
}

function byRecipe(leases: readonly Lease[]): readonly (readonly Lease[])[] {
  return [...Map.groupBy(leases, lease => `${lease.mount}\n${lease.credential}\n${lease.recipe}`).values()]
}

/** A plugin that is missing is a target that does not answer: its leases wait. */
function credentialOf(parts: Parts, lease: Lease): CredentialType {
  try {
    return parts.mounts.credential(lease.mount, lease.credential)
  } catch (cause) {
    throw new TargetFailed('no backend', { cause })
  }
}

/** Two groups in a row that fail: nobody is there. One that fails while another is answered fails by itself, so that no recipe keeps the leases of another waiting for ever;
 *  and it is another group's turn to be the first each time. */
async function revokeGroups(parts: Parts, target: TargetId, groups: readonly (readonly Lease[])[], signal: AbortSignal): Promise<void> {
  const from = groups.length > 1 ? parts.random.below(groups.length) : 0
  const alone: { readonly group: readonly Lease[]; readonly error: TargetFailed }[] = []
  let failedBefore = false
  for (const group of [...groups.slice(from), ...groups.slice(0, from)]) {
    try {
      await revokeGroup(parts, target, group, signal)
      failedBefore = false
    } catch (error) {
      if (!(error instanceof TargetFailed) || failedBefore || groups.length === 1 || signal.aborted) throw error
      alone.push({ group, error })
      failedBefore = true
    }
  }
  for (const { group, error } of alone)
    await settleAll(
      parts,
      group.map(lease => [lease, { kind: 'failed', error: error.cause }] as const)
    )
}

async function revokeGroup(parts: Parts, target: TargetId, leases: readonly Lease[], signal: AbortSignal): Promise<void> {
  const first = leases[0]!
  const credential = credentialOf(parts, first)
  const { readable, unreadable } = await open(parts, leases)
  using deadline = parts.clock.within(revokeLimitMs, signal)
  const written: Change[] = []
  const storage = mountStorage(parts, first.mount, intention => void written.push({ ...intention, now: parts.clock.now() }))
  const call = { target, recipe: readable.recipe, leases: readable.leases.map(({ call }) => call), storage }
  const began = parts.clock.elapsed()
  const answered: unknown =
    call.leases.length === 0 ? [] : await asTarget(() => parts.healths.watch(target, () => credential.revoke(call, deadline.signal)))
  parts.meter.asked((parts.clock.elapsed() - began) / 1_000)
  const outcomes: readonly unknown[] = Array.isArray(answered) ? answered : []
  await parts.at('revoke:after-drop-ack')
  await settleWritten(
    parts,
    [
      ...readable.leases.map(({ lease }, i) => [lease, timely(properOutcome(outcomes[i]), parts.clock.now())] as const),
      ...unreadable.map(lease => [lease, unreadableOutcome] as const)
    ],
    written
  )
}

/** Rows that the revocation wrote and that somebody has changed meanwhile: none of its outcomes counts. It is idempotent, and comes again. */
async function settleWritten(parts: Parts, results: Results, written: readonly Change[]): Promise<void> {
  try {
    await settleAll(parts, results, written)
  } catch (cause) {
    if (!(cause instanceof LostCondition)) throw cause
    const error = new BrokerError('conflict', 'what the revocation wrote was changed meanwhile', { cause })
    await settleAll(
      parts,
      results.map(([lease]) => [lease, { kind: 'failed', error }] as const)
    )
  }
}

type Results = readonly (readonly [Lease, RevokeOutcome])[]

async function settleAll(parts: Parts, results: Results, written: readonly Change[] = []): Promise<void> {
  await settle(
    parts,
    results.map(([lease, outcome]) => settlement(parts, lease, outcome)),
    written
  )
  await parts.at('revoke:after-revoked-commit')
  for (const [lease, outcome] of results) {
    meterOutcome(parts, lease, outcome)
    parts.watch.settled(lease.id, told(outcome))
  }
}

const unreadableOutcome: RevokeOutcome = {
  kind: 'failed',
  error: new BrokerError('integrity', 'the sealed handle or recipe of this lease does not open')
}

/** What fails again is told once. */
function isNew({ failures }: Lease): boolean {
  return failures === 0
}

/** One lease that does not open is shown as stuck; the others are served. */
async function open(parts: Parts, leases: readonly Lease[]) {
  const readable: { lease: Lease; call: RevokedLease }[] = []
  const unreadable: Lease[] = []
  let recipe: Json = null
  try {
    recipe = await openRecipe(parts, leases[0]!.recipe)
  } catch (error) {
    if (leases.some(isNew)) parts.log.error('a recipe does not open', { recipe: leases[0]!.recipe }, error)
    return { readable: { recipe, leases: readable }, unreadable: leases }
  }
  for (const lease of leases) {
    try {
      readable.push({
        lease,
        call: { lease: lease.id, handle: openHandle(parts, lease), ...(lease.activated ? {} : { createBy: lease.createBy }) }
      })
    } catch (error) {
      if (isNew(lease)) parts.log.error('a handle does not open', { lease: lease.id }, error)
      unreadable.push(lease)
    }
  }
  return { readable: { recipe, leases: readable }, unreadable }
}

async function settle(parts: Parts, settlements: readonly Settlement[], written: readonly Change[] = []): Promise<void> {
  await parts.store.commit([...written, { kind: 'lease.settle', now: parts.clock.now(), settlements }], [])
}

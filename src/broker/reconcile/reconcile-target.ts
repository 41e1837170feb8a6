/** One target beside the leases, both ways. Whatever was found counts only when a second listing finds it again: leases begin and end while a target is listed. */
import type { CredentialType, Found } from '../../contracts/index.ts'
import type { ActiveLease, LeaseAt } from '../../store/store.ts'
import { reconcileSettings } from '../mounts/mount.ts'
import type { Parts } from '../parts.ts'
import { adopt } from './reconcile-adopt.ts'
import { keptMax, lookAt } from './reconcile-look.ts'
import type { Look } from './reconcile-look.ts'
import { prolongRenewed } from './reconcile-renewed.ts'
import { emptyReport } from './reconcile-report.ts'
import type { AdoptedReport, OrphanReport, TargetReport } from './reconcile-report.ts'
import { identityOf } from './reconcile-suspects.ts'
import type { Suspects } from './reconcile-suspects.ts'
import type { ListedTarget } from './reconcile-targets.ts'

const leasesAtOnceMax = 500

// A target may have a million leases: small pages with rests between them, where nobody waits for the end.
const walkNamesMax = 250
const walkRestMs = 25

// So few are looked through in less time than anybody notices.
const walkAtOnceMax = 10_000

export interface Reconciling {
  readonly parts: Parts
  readonly suspects: Suspects
  readonly restored: boolean
  /** Nobody waits: where there are many leases, those without their object are looked for with rests, and not before this moment of the clock that never steps. */
  readonly leisureFrom?: number
  readonly signal: AbortSignal
}

/** Never rejects: a target that fails is reported as such, and of it nothing is changed. */
export async function reconcileTarget(reconciling: Reconciling, target: ListedTarget): Promise<TargetReport> {
  const { parts, suspects } = reconciling
  const startedAt = parts.clock.elapsed()
  const mount = parts.mounts.byUuid(target.mount)
  const time = parts.clock.now().toString()
  const { policy } = reconcileSettings(mount?.record.config)
  const report = emptyReport({ target: target.id, mount: mount?.record.path ?? target.mount, policy, time })
  try {
    const credential = parts.mounts.credential(target.mount, target.credential)
    if (!credential.list) return { ...report, note: 'this target cannot be listed' }
    return { ...report, ...(await compare(reconciling, target, credential)) }
  } catch (error) {
    suspects.failed(target.id, startedAt)
    parts.log.warn('a target could not be reconciled', { target: target.id }, error)
    return { ...report, error: parts.trail.errorText(error) }
  }
}

async function compare(reconciling: Reconciling, target: ListedTarget, credential: CredentialType): Promise<Partial<TargetReport>> {
  const { parts, suspects, signal, restored } = reconciling
  const beganAt = parts.clock.now()
  let prolongedCount = 0
  const prolong = async (found: readonly Found[]) => void (prolongedCount += await prolongRenewed(parts, found))
  const first = await lookAt(parts, credential, target.id, signal, restored ? prolong : undefined)
  const absent = await leasesWithout(reconciling, target, first, beganAt)
  const clean = first.orphanCount === 0 && absent.count === 0
  const second = clean ? first : await lookAt(parts, credential, target.id, signal)
  const orphans = inBoth(first, second)
  // Whoever resumes a store sees first what was made since, and has the whole quarantine to say what becomes of it.
  if (restored) suspects.forget(target.id)
  const adopted = await byPolicy(reconciling, target, orphans, first.startedAt)
  const left = adopted === nothing ? orphans : await withoutLease(parts, orphans, adopted)
  const orphanCount = countOf(first, second, orphans) - (orphans.length - left.length)
  suspects.keep(target.id, first.startedAt, left, orphanCount > left.length, parts.clock.elapsed())
  const missing = await stillWithout(parts, absent, second)
  return {
    listed: second.listed,
    orphans: left.map(found => orphanReport(parts, target, found)),
    orphanCount,
    adopted: [...adopted.values()],
    adoptedCount: adopted.size,
    unmarked: second.unmarked.map(({ name, enabled, note }) => ({ name, enabled, ...(note === undefined ? {} : { note }) })),
    unmarkedCount: second.unmarkedCount,
    foreignCount: second.foreignCount,
    missing: missing.leases.map(({ id, name }) => ({ name, lease: id })),
    missingCount: missing.count,
    ...(restored ? { prolongedCount } : {}),
    ...(second.names ? {} : { note: 'too many objects to tell which leases are without theirs' })
  }
}

/** The same object at both looks; a lease that ended between the listing and the look is none any more. */
function inBoth(first: Look, second: Look): readonly Found[] {
  if (first === second) return []
  return [...second.orphans.values()].filter(found => {
    const before = first.orphans.get(found.name)
    return before !== undefined && identityOf(before) === identityOf(found)
  })
}

/** What is kept by name is known exactly. */
function countOf(first: Look, second: Look, both: readonly Found[]): number {
  const least = Math.min(first.orphanCount, second.orphanCount)
  return least <= keptMax ? both.length : Math.max(both.length, least)
}

const nothing: ReadonlyMap<string, AdoptedReport> = new Map()

/** Another target of the same server may have been faster. */
async function withoutLease(
  { store }: Parts,
  orphans: readonly Found[],
  adopted: ReadonlyMap<string, AdoptedReport>
): Promise<readonly Found[]> {
  const left = orphans.filter(({ name }) => !adopted.has(name))
  const known = await store.knownNames(left.map(({ name }) => name))
  return left.filter(({ name }) => !known.has(name))
}

/** What was without a lease before, too, long enough ago that nothing on its way can explain it. */
async function byPolicy(
  { parts, suspects }: Reconciling,
  target: ListedTarget,
  orphans: readonly Found[],
  startedAt: number
): Promise<ReadonlyMap<string, AdoptedReport>> {
  const record = parts.mounts.byUuid(target.mount)?.record
  const { policy, afterMs } = reconcileSettings(record?.config)
  if (!record || policy === 'report') return nothing
  const ripe = suspects.seenBefore(target.id, orphans, startedAt - afterMs)
  return ripe.length === 0 ? nothing : adopt(parts, { id: target.id, credential: target.credential, mount: record }, policy, ripe)
}

function orphanReport(parts: Parts, target: ListedTarget, { name, enabled, until, handle, note }: Found): OrphanReport {
  const { policy } = reconcileSettings(parts.mounts.byUuid(target.mount)?.record.config)
  const state = policy === 'report' || handle === undefined ? 'reported' : 'waits'
  return { name, enabled, state, ...(until ? { until: until.toString() } : {}), ...(note === undefined ? {} : { note }) }
}

/** Leases that are active since before the look, and what they stand for was not listed: the names of some, and how many. */
interface Without {
  readonly names: readonly string[]
  readonly count: number
}

async function leasesWithout(reconciling: Reconciling, target: ListedTarget, look: Look, beganAt: Temporal.Instant): Promise<Without> {
  const { store } = reconciling.parts
  const absent: string[] = []
  let count = 0
  if (!look.names) return { names: absent, count }
  const rest = await restOf(reconciling, target)
  let after: LeaseAt | undefined
  do {
    const { names, next } = await store.activeNames(target.id, beganAt, after, walkNamesMax)
    for (const name of names) {
      if (look.names.has(name)) continue
      count++
      if (absent.length < keptMax) absent.push(name)
    }
    after = next
    if (next) await rest()
  } while (after)
  return { names: absent, count }
}

/** What a long walk does between two pages; waits first until it may begin. */
async function restOf({ parts, leisureFrom, signal }: Reconciling, { id }: ListedTarget): Promise<() => Promise<void>> {
  const { clock, store } = parts
  if (leisureFrom === undefined || (await store.liveLeases(id)) <= walkAtOnceMax) return () => Promise.resolve()
  await clock.sleep(Math.max(0, leisureFrom - clock.elapsed()), signal)
  return () => clock.sleep(walkRestMs, signal)
}

/** Active since before the second listing began and still active after its end: all that time it should have been there. */
async function stillWithout(
  { store }: Parts,
  { names: before, count }: Without,
  { names }: Look
): Promise<{ readonly leases: readonly ActiveLease[]; readonly count: number }> {
  const absent = before.filter(name => names && !names.has(name))
  const still: ActiveLease[] = []
  for (let from = 0; from < absent.length; from += leasesAtOnceMax) {
    const rows = await store.leasesNamed(absent.slice(from, from + leasesAtOnceMax))
    for (const { id, name, state, cause } of rows) if (state === 'active' && cause === null) still.push({ id, name })
  }
  return { leases: still, count: count - (before.length - still.length) }
}

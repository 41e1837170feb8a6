import type { LeaseId, TargetId } from '../../contracts/index.ts'
import type { ReconcilePolicy } from '../mounts/mount.ts'

// A report is for people: beyond this it only counts.
const namesShownMax = 1_000

/** What one target holds without a lease, and which leases are without what they stand for. The counts are whole where the names are cut. */
export interface TargetReport {
  readonly target: TargetId
  /** Its path. */
  readonly mount: string
  readonly policy: ReconcilePolicy
  readonly time: string
  readonly listed: number
  /** They carry this broker's mark, and no lease ends them. */
  readonly orphans: readonly OrphanReport[]
  readonly orphanCount: number
  /** They have a lease since this look. */
  readonly adopted: readonly AdoptedReport[]
  readonly adoptedCount: number
  /** They have a name like ours and no mark of ours: never touched. */
  readonly unmarked: readonly UnmarkedReport[]
  readonly unmarkedCount: number
  /** Another broker's. */
  readonly foreignCount: number
  /** Active in the store, and not in the target. */
  readonly missing: readonly MissingReport[]
  readonly missingCount: number
  /** After a restore: leases whose renewal the store had lost. */
  readonly prolongedCount?: number
  readonly note?: string
  readonly error?: string
}

export interface OrphanReport {
  readonly name: string
  readonly enabled: boolean
  /** `waits`: by policy it will be given a lease, once it has been seen for long enough. */
  readonly state: 'reported' | 'waits'
  readonly until?: string
  readonly note?: string
}

export interface AdoptedReport {
  readonly name: string
  readonly lease: LeaseId
  readonly ends: string
}

export interface UnmarkedReport {
  readonly name: string
  readonly enabled: boolean
  readonly note?: string
}

export interface MissingReport {
  readonly name: string
  readonly lease: LeaseId
}

export interface ReconcileReport {
  readonly time: string
  readonly targets: readonly TargetReport[]
}

export function emptyReport(of: Pick<TargetReport, 'target' | 'mount' | 'policy' | 'time'>): TargetReport {
  const nothing = {
    orphans: [],
    orphanCount: 0,
    adopted: [],
    adoptedCount: 0,
    unmarked: [],
    unmarkedCount: 0,
    missing: [],
    missingCount: 0
  }
  return { ...of, listed: 0, ...nothing, foreignCount: 0 }
}

/** In the order of their ids, with at most so many names in all. */
export function reportOf(time: string, found: readonly TargetReport[]): ReconcileReport {
  let left = namesShownMax
  const cut = <Row>(rows: readonly Row[]): readonly Row[] => {
    const shown = rows.slice(0, left)
    left -= shown.length
    return shown
  }
  const targets = found
    .toSorted((a, b) => (a.target < b.target ? -1 : 1))
    .map(one => ({
      ...one,
      orphans: cut(one.orphans),
      adopted: cut(one.adopted),
      missing: cut(one.missing),
      unmarked: cut(one.unmarked)
    }))
  return { time, targets }
}

import type { Database } from '../database.ts'
import { leaseColumns } from '../rows/lease-row.ts'
import type { LeaseRow } from '../rows/lease-row.ts'
import type { CascadeRow, TargetRow, TaskRow } from '../rows/work-rows.ts'

export interface DueWorkRows {
  readonly targets: readonly (TargetRow & { readonly ready_at: number })[]
  readonly cascades: readonly CascadeRow[]
  readonly tasks: readonly TaskRow[]
  readonly expiredTokens: boolean
  readonly next: number | null
}

// What one answer tells; the sweeper asks again when it has worked it off.
const rowsMax = 100

// One probe of the index per target, whatever the number of leases.
const targetsSql = `select * from (
    select target.*, (select min(ready_at) from lease where target_id = target.id and state <> 'revoked') as ready_at from target)
  where ready_at is not null`

const nextExpirySql = `select expires_at as at from token
  where ended_at is null and expires_at is not null and expires_at > :now order by expires_at limit 1`

const tasksSql = `select * from task where due_at <= :now and (:crowded = '[]' or mount not in (select value from json_each(:crowded)))
  order by due_at limit :rowsMax`

/** `crowded`: a list, as JSON. */
export function dueWork(db: Database, now: number, crowded: string): DueWorkRows {
  const targets = db.all<TargetRow & { ready_at: number }>(targetsSql)
  const moments = targets.map(({ ready_at, retry_at }) => Math.max(ready_at, retry_at ?? 0))
  const nextTask = db.get<{ at: number }>('select due_at as at from task where due_at > :now order by due_at limit 1', { now })
  const nextExpiry = db.get<{ at: number }>(nextExpirySql, { now })
  const later = [...moments, nextTask?.at ?? 0, nextExpiry?.at ?? 0].filter(at => at > now)
  return {
    // The longest due first: who can only sweep some of them starves none.
    targets: targets.filter((_, index) => moments[index]! <= now).toSorted((a, b) => a.ready_at - b.ready_at),
    cascades: db.all<CascadeRow>('select * from cascade order by id limit :rowsMax', { rowsMax }),
    tasks: db.all<TaskRow>(tasksSql, { now, crowded, rowsMax }),
    expiredTokens: tokenHasExpired(db, now),
    next: later.length === 0 ? null : Math.min(...later)
  }
}

function tokenHasExpired(db: Database, now: number): boolean {
  return db.holds('exists (select 1 from token where ended_at is null and expires_at is not null and expires_at <= :now)', { now })
}

export function target(db: Database, id: string): TargetRow | undefined {
  return db.get<TargetRow>('select * from target where id = :id', { id })
}

const isDueSql = `exists (select 1 from lease where target_id = :id and state <> 'revoked' and ready_at <= :now)`

export function isDue(db: Database, id: string, now: number): boolean {
  return db.holds(isDueSql, { id, now })
}

export function targets(db: Database): TargetRow[] {
  return db.all<TargetRow>('select * from target order by id')
}

export interface TargetLoadRow {
  readonly id: string
  readonly live: number
  readonly failing: number
}

// One row of counts per target and state; no lease is looked at.
const loadsSql = `select id, failing_since is not null as failing,
    (select total(count) from lease_count where target_id = target.id and state <> 'revoked') as live
  from target order by live desc, id limit :limit`

const dueMax = 10_000
const dueSql = `select count(*) as due, min(ready_at) as oldestDue from (
  select ready_at from lease where target_id = :id and state <> 'revoked' and ready_at <= :now order by ready_at limit :dueMax)`

export function targetLoads(
  db: Database,
  now: number,
  limit: number
): (TargetLoadRow & { readonly due: number; readonly oldestDue: number | null })[] {
  return db
    .all<TargetLoadRow>(loadsSql, { limit })
    .map(row => ({ ...row, ...db.get<{ due: number; oldestDue: number | null }>(dueSql, { id: row.id, now, dueMax })! }))
}

export function cascade(db: Database, id: number): CascadeRow | undefined {
  return db.get<CascadeRow>('select * from cascade where id = :id', { id })
}

const failingTarget = 'target_id in (select id from target where failing_since is not null and failing_since <= :since)'

/** Three sets without a row in common. The number 6 is in the index, so it stands here too. Each names its index: left to itself the planner walks all leases in their
 *  order, to be spared a sort of these few. */
const stuckSets = {
  byItself: `lease indexed by lease_stuck where state = 'revoking' and failures >= 6 and ended_at is null`,
  atItsTarget: `lease indexed by lease_ready where ${failingTarget} and state <> 'revoked' and ready_at <= :since
    and ended_at is null and not (state = 'revoking' and failures >= 6)`,
  // Being tried right now, once more: it has waited all the same.
  atItsTargetClaimed: `lease indexed by lease_claim where claim_epoch is not null and ready_at > :since and due_at <= :since
    and ${failingTarget} and ended_at is null and not (state = 'revoking' and failures >= 6)`
} as const

export function stuck(db: Database, since: number, limit: number): { leases: LeaseRow[]; counts: Record<string, number> } {
  const leases: LeaseRow[] = []
  const counts: Record<string, number> = {}
  for (const from of Object.values(stuckSets)) {
    const bound = from === stuckSets.byItself ? {} : { since }
    const rest = limit - leases.length
    if (rest > 0) leases.push(...db.all<LeaseRow>(`select ${leaseColumns} from ${from} order by number limit :rest`, { ...bound, rest }))
    for (const { mount, count } of db.all<{ mount: string; count: number }>(
      `select mount, count(*) as count from ${from} group by mount`,
      bound
    )) {
      counts[mount] = (counts[mount] ?? 0) + count
    }
  }
  return { leases, counts }
}

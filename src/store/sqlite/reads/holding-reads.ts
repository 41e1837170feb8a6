import type { HoldingsFilter } from '../../store.ts'
import type { Database } from '../database.ts'
import { leaseColumns } from '../rows/lease-row.ts'
import type { LeaseRow } from '../rows/lease-row.ts'

export interface HoldingsSlice {
  readonly leases: readonly LeaseRow[]
  /** Where the next slice begins; absent when there is none. */
  readonly next?: number
}

// Rows that one read may walk, some 20 ms: what else waits for this connection gets its turn in between.
const sliceRows = 20_000

const equalities = {
  accessor: 'accessor = :accessor',
  displayName: 'display_name = :displayName',
  entity: 'entity = :entity',
  target: 'target_id = :target',
  mount: 'mount = :mount',
  role: 'role = :role'
} as const satisfies Record<Exclude<keyof HoldingsFilter, 'ended'>, string>

export function holdingsStart(db: Database, after: string): number {
  if (after === '') return 0
  return db.get<{ number: number }>('select number from lease where id = :after', { after })?.number ?? 0
}

/** One slice of the table in the order of its making. */
export function holdings(db: Database, filter: HoldingsFilter, from: number, limit: number): HoldingsSlice {
  const { ended, ...wanted } = filter
  const conditions: string[] = Object.keys(wanted).map(name => equalities[name as keyof typeof equalities])
  if (!ended) conditions.push(`state <> 'revoked'`)
  const sql = `select ${leaseColumns} from lease where ${['number > :from and number <= :from + :rows', ...conditions].join(' and ')} order by number limit :limit`
  const leases = db.all<LeaseRow>(sql, { ...wanted, from, rows: sliceRows, limit })
  const last = db.get<{ number: number | null }>('select max(number) as number from lease')?.number ?? 0
  return from + sliceRows >= last ? { leases } : { leases, next: from + sliceRows }
}

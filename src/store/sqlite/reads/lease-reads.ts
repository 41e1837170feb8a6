import type { LeaseState } from '../../../lease/lease.ts'
import { beginsWith } from '../rows/conditions.ts'
import type { Database } from '../database.ts'
import { leaseColumns } from '../rows/lease-row.ts'
import type { LeaseRow } from '../rows/lease-row.ts'

export function lease(db: Database, id: string): LeaseRow | undefined {
  return db.get<LeaseRow>(`select ${leaseColumns} from lease where id = :id`, { id })
}

export function recipe(db: Database, id: string): Uint8Array | undefined {
  return db.get<{ value: Uint8Array }>('select value from recipe where id = :id', { id })?.value
}

// Whoever asks how many are left wants to know whether there are any, and roughly how many.
const countMax = 10_000

const idsSql = `select id from lease where ${beginsWith('id', ':prefix')} and id > :after and state <> 'revoked' order by id limit :limit`

export function leaseIds(db: Database, prefix: string, after: string, limit: number): string[] {
  return db.all<{ id: string }>(idsSql, { prefix, after, limit }).map(row => row.id)
}

const lastCodePoint = '\u{10ffff}'

/** Hops behind each segment: what lies below one is never walked. */
export function leaseLevel(db: Database, prefix: string, after: string, limit: number): string[] {
  const level: string[] = []
  let from = behind(prefix, after)
  while (level.length < limit) {
    const [id] = leaseIds(db, prefix, from, 1)
    if (id === undefined) break
    const slash = id.indexOf('/', prefix.length)
    const name = slash < 0 ? id.slice(prefix.length) : id.slice(prefix.length, slash + 1)
    level.push(name)
    from = behind(prefix, name)
  }
  return level
}

function behind(prefix: string, name: string): string {
  if (name === '') return ''
  return name.endsWith('/') ? prefix + name + lastCodePoint : prefix + name
}

export function leaseCounts(db: Database): { mount: string; state: LeaseState; count: number }[] {
  return db.all('select mount, state, sum(count) as count from lease_count group by mount, state having sum(count) > 0')
}

export function liveLeases(db: Database, target: string): number {
  return db.get<{ count: number }>(`select total(count) as count from lease_count where target_id = :target and state <> 'revoked'`, {
    target
  })!.count
}

/** Still to be waited for: it gives access, and not by the target's own word until a time that nobody can change. */
const notOver = `state <> 'revoked' and ended_at is null and (outlives_until is null or failures > 0)`

const belowSql = `select count(*) as count from (
  select 1 from lease where ${beginsWith('id', ':prefix')} and ${notOver} limit :countMax)`

export function liveBelow(db: Database, prefix: string): number {
  return db.get<{ count: number }>(belowSql, { prefix, countMax })!.count
}

export function liveAtMount(db: Database, mount: string): number {
  const sql = `select min(total(count), :countMax) as count from lease_count where mount = :mount and state <> 'revoked'`
  return db.get<{ count: number }>(sql, { mount, countMax })!.count
}

const knownSql = `select exists (select 1 from lease where name = :name and state <> 'revoked') as known`

export function knownNames(db: Database, names: readonly string[]): string[] {
  return names.filter(name => db.get<{ known: number }>(knownSql, { name })!.known === 1)
}

export function leasesNamed(db: Database, names: readonly string[]): LeaseRow[] {
  return names.flatMap(name => db.all<LeaseRow>(`select ${leaseColumns} from lease where name = :name`, { name }))
}

const subjectSql = `select ${leaseColumns} from lease indexed by lease_subject
  where subject = :subject and state <> 'revoked' and mount = :mount and number > coalesce((select number from lease where id = :after), 0) order by number limit :limit`

export function leasesOf(db: Database, mount: string, subject: string, after: string, limit: number): LeaseRow[] {
  return db.all<LeaseRow>(subjectSql, { mount, subject, after, limit })
}

// Named: the planner would rather walk all leases by their number.
const activeSql = `select id, name, ready_at as readyAt, number from lease indexed by lease_ready
  where target_id = :target and state <> 'revoked' and ready_at >= :readyAt and (ready_at > :readyAt or number > :number)
    and state = 'active' and cause is null
  order by ready_at, number limit :limit`

const activeNamesSql = `select name, ready_at as readyAt, number from lease indexed by lease_ready
  where target_id = :target and state <> 'revoked' and ready_at >= :readyAt and (ready_at > :readyAt or number > :number)
    and state = 'active' and cause is null and issued_at <= :until
  order by ready_at, number limit :limit`

/** One text for a page: a thousand small objects would cost more than the walk. No `next`: it is over. */
export function activeNames(
  db: Database,
  target: string,
  until: number,
  { readyAt, number }: { readonly readyAt: number; readonly number: number },
  limit: number
): { names: string; next?: { readyAt: number; number: number } } {
  const rows = db.all<{ name: string; readyAt: number; number: number }>(activeNamesSql, { target, until, readyAt, number, limit })
  const last = rows.at(-1)
  const names = rows.map(({ name }) => name).join('\n')
  return last && rows.length === limit ? { names, next: { readyAt: last.readyAt, number: last.number } } : { names }
}

export function activeLeases(
  db: Database,
  target: string,
  { readyAt, number }: { readonly readyAt: number; readonly number: number },
  limit: number
): { id: string; name: string; readyAt: number; number: number }[] {
  return db.all(activeSql, { target, readyAt, number, limit })
}

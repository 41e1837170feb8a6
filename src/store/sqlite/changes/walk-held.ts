import type { Holder } from '../../change.ts'
import type { CascadeRow } from '../rows/work-rows.ts'
import type { Writing } from './writing.ts'
import { reach } from './cascade-reach.ts'

// No index tells who holds what: it would cost every issue, and this is asked once in a long while. So many rows a step are some 5 ms of the only writer.
const stepRows = 5_000

const columns: Readonly<Record<Holder, string>> = { entity: 'entity', accessor: 'accessor', display_name: 'display_name' }

/** One step through all leases in the order of their making. Nothing begins below an open cascade, so the end stays the end. */
export function walkHeld(writing: Writing, cascade: CascadeRow, limit: number): { readonly count: number; readonly more: boolean } {
  const [holder, mount, ...value] = cascade.selector.split('\n')
  const from = Number(cascade.cursor)
  const sql = `select number from lease where number > :from and number <= :from + :stepRows and state <> 'revoked'
    and ${columns[holder as Holder]} = :value and (:mount = '' or mount = :mount) order by number limit :limit`
  const found = writing.db.all<{ number: number }>(sql, { from, stepRows, mount: mount!, value: value.join('\n'), limit })
  const to = found.length < limit ? from + stepRows : found.at(-1)!.number
  reach(writing, cascade, found, String(to))
  const last = writing.db.get<{ number: number | null }>('select max(number) as number from lease')?.number ?? 0
  return { count: found.length, more: to < last }
}

import { becomesDue, notYetDue } from '../rows/conditions.ts'
import type { CascadeRow } from '../rows/work-rows.ts'
import { fence } from './writing.ts'
import type { Writing } from './writing.ts'

const dueSql = `update lease set ${becomesDue} where number = :number and ${notYetDue} and ${fence}`

/** What a cascade has selected is due, and it has come as far as `cursor`. */
export function reach(
  { db, now, fence: run }: Writing,
  { id, cause }: CascadeRow,
  leases: readonly { readonly number: number }[],
  cursor: string
): void {
  for (const { number } of leases) db.run(dueSql, { number, cause, now, ...run })
  db.run(`update cascade set cursor = :cursor where id = :id and ${fence}`, { id, cursor, ...run })
}

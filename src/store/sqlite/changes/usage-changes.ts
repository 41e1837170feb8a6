import { unused, withObserved, withSighting } from '../../../lease/usage.ts'
import type { LeaseUsage } from '../../../lease/usage.ts'
import { changed, fence } from './writing.ts'
import type { Applied, ChangeOf, Writing } from './writing.ts'

interface UsageRow {
  readonly number: number
  readonly usage: string | null
}

// Reading and writing are one transaction: nobody counts in between. The version stays: a use is no transition, and a revocation under way must not lose its lease to one.
const updateSql = `update lease set usage = :usage where number = :number and ${fence}`

function update({ db, fence: run }: Writing, row: UsageRow, next: (usage: LeaseUsage) => LeaseUsage): number {
  const usage = row.usage === null ? unused : (JSON.parse(row.usage) as LeaseUsage)
  return db.run(updateSql, { number: row.number, usage: JSON.stringify(next(usage)), ...run })
}

export function leaseUsed(writing: Writing, { mount, name, sighting }: ChangeOf<'lease.used'>): Applied {
  const row = writing.db.get<UsageRow>('select number, usage from lease where name = :name and mount = :mount', { name, mount })
  return { applied: row !== undefined && update(writing, row, usage => withSighting(usage, sighting)) > 0 }
}

export function leasesObserved(writing: Writing, { found }: ChangeOf<'lease.observed'>): Applied {
  let count = 0
  for (const { id, usage: seen } of found) {
    const row = writing.db.get<UsageRow>('select number, usage from lease where id = :id', { id })
    if (row) count += update(writing, row, usage => withObserved(usage, seen))
  }
  return changed(count)
}

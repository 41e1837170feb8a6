import { watchedSpaces } from '../../change.ts'
import { LostCondition } from '../../store.ts'
import { changed } from './writing.ts'
import type { Applied, ChangeOf, Writing } from './writing.ts'

// Versions come from one counter: a row that was removed and made again never has a version that somebody still holds.
const nextVersion = `update counter set value = value + 1 where name = 'entry_version' returning value`

// The space of a mount is `mount:` and its id. What comes to its commit behind the drop would lie there for ever, secrets and all, and nobody could ask for it.
const isDropped = `exists (select 1 from mount_end where mount = substr(:space, 7) and dropped = 1)`

/** `expected` 0: no row may be there; null: whatever is. */
const putEntrySql = `insert into entry (space, key, version, value, uses)
  select :space, :key, :version, :value, ifnull(:uses, 0)
   where case
     when :expected is null then 1
     when :expected = 0 then not exists (select 1 from entry where space = :space and key = :key)
     else exists (select 1 from entry where space = :space and key = :key and version = :expected) end
     and not ${isDropped}
  on conflict do update set version = excluded.version, value = excluded.value, uses = ifnull(:uses, uses)`

export function putEntry(writing: Writing, { space, key, value, expected, uses }: ChangeOf<'entry.put'>): Applied {
  const { db } = writing
  const version = db.get<{ value: number }>(nextVersion)!.value
  if (db.run(putEntrySql, { space, key, value, version, expected: expected ?? null, uses: uses ?? null }) === 0) {
    if (db.holds(isDropped, { space })) throw new LostCondition('entry.put', 'invalid_request', 'the mount is gone')
    throw changedMeanwhile('entry.put', key)
  }
  raiseGeneration(writing, space)
  return { applied: true, count: version }
}

export function removeEntry(writing: Writing, { space, key, expected }: ChangeOf<'entry.remove'>): Applied {
  const parameters = { space, key, expected: expected ?? null }
  const removed = writing.db.run(
    'delete from entry where space = :space and key = :key and (:expected is null or version = :expected)',
    parameters
  )
  if (removed === 0 && expected !== undefined) throw changedMeanwhile('entry.remove', key)
  if (removed > 0) raiseGeneration(writing, space)
  return { applied: removed > 0 }
}

export function takeEntry(writing: Writing, { space, key }: ChangeOf<'entry.take'>): Applied {
  if (writing.db.run('delete from entry where space = :space and key = :key', { space, key }) === 0) {
    throw new LostCondition('entry.take', 'conflict', 'it is not there, or was taken before')
  }
  raiseGeneration(writing, space)
  return { applied: true }
}

export function spendEntry({ db }: Writing, { space, key }: ChangeOf<'entry.spend'>): Applied {
  const spent = db.run('update entry set uses = uses - 1 where space = :space and key = :key and uses > 1', { space, key })
  if (spent === 0) throw new LostCondition('entry.spend', 'conflict', 'it has no use to spare')
  return { applied: true }
}

export function expectEntry({ db }: Writing, { space, key, version }: ChangeOf<'entry.expect'>): Applied {
  const there = db.holds('exists (select 1 from entry where space = :space and key = :key and version = :version)', { space, key, version })
  if (!there) throw new LostCondition('entry.expect', 'conflict', 'it was changed meanwhile')
  return { applied: true }
}

export function reserveSequence({ db }: Writing, { space, sequence, count }: ChangeOf<'sequence.reserve'>): Applied {
  const reserved = db.get<{ next: number }>(
    `insert into sequence (space, name, next) values (:space, :sequence, 1 + :count)
      on conflict do update set next = next + :count returning next`,
    { space, sequence, count }
  )
  return { applied: true, count: reserved!.next - count }
}

const thinSpaceSql = `delete from entry
  where space = :space and key in (select key from entry where space = :space order by key limit :limit)`

export function thinSpace(writing: Writing, { space, limit }: ChangeOf<'space.thin'>): Applied {
  const count = writing.db.run(thinSpaceSql, { space, limit })
  if (count > 0) raiseGeneration(writing, space)
  return changed(count)
}

const dropSpaceSql = [
  'delete from entry where space = :space',
  'delete from sequence where space = :space',
  'delete from task where mount = :mount',
  'delete from target where mount = :mount'
] as const

export function dropSpace(writing: Writing, { space, mount }: ChangeOf<'space.drop'>): Applied {
  const { db } = writing
  const live = db.get<{ count: number }>(`select total(count) as count from lease_count where mount = :mount and state <> 'revoked'`, {
    mount
  })!.count
  if (live > 0) throw new LostCondition('space.drop', 'invalid_request', `${live} leases of the mount are not revoked yet`)
  db.run('insert into mount_end (mount, dropped) values (:mount, 1) on conflict do update set dropped = 1', { mount })
  for (const sql of dropSpaceSql) db.run(sql, sql.includes(':space') ? { space } : { mount })
  raiseGeneration(writing, space)
  return { applied: true }
}

function raiseGeneration({ db }: Writing, space: string): void {
  if (watchedSpaces.includes(space)) db.run(`update counter set value = value + 1 where name = 'generation'`)
}

function changedMeanwhile(change: 'entry.put' | 'entry.remove', key: string): LostCondition {
  return new LostCondition(change, 'conflict', `${key} was changed meanwhile`)
}

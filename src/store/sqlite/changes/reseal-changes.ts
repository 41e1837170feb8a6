import { LostCondition, sealedTables } from '../../store.ts'
import { sealedColumns } from '../rows/sealed-columns.ts'
import { changed } from './writing.ts'
import type { Applied, ChangeOf, Writing } from './writing.ts'

const beginSql = `insert into reseal (one, below, stage, cursor, resealed, unreadable, begun_at)
  values (1, :below, :table, '', 0, 0, :now) on conflict do nothing`

export function beginReseal({ db, now }: Writing, { below }: ChangeOf<'reseal.begin'>): Applied {
  if (db.run(beginSql, { below, table: sealedTables[0], now }) === 0) return { applied: false }
  db.run(`update counter set value = max(value, :below) where name = 'key_floor'`, { below })
  return { applied: true }
}

const cameToSql = `update reseal set stage = :table, cursor = :cursor, resealed = resealed + :resealed, unreadable = unreadable + :unreadable
  where below = :below`

export function resealRows({ db }: Writing, { below, table, cursor, unreadable, rows }: ChangeOf<'reseal.rows'>): Applied {
  const { column, keys } = sealedColumns[table]
  const sql = `update ${table} set ${column} = :sealed where ${keys.map(key => `${key} = :${key}`).join(' and ')} and ${column} = :old`
  let resealed = 0
  for (const { keys: values, old, sealed } of rows)
    resealed += db.run(sql, { ...Object.fromEntries(keys.map((key, index) => [key, values[index]!])), old, sealed })
  if (db.run(cameToSql, { below, table, cursor, resealed, unreadable }) === 0) throw notUnderWay('reseal.rows')
  return changed(resealed)
}

export function endReseal({ db }: Writing, { below }: ChangeOf<'reseal.end'>): Applied {
  if (db.run('delete from reseal where below = :below', { below }) === 0) throw notUnderWay('reseal.end')
  return { applied: true }
}

function notUnderWay(change: 'reseal.rows' | 'reseal.end'): LostCondition {
  return new LostCondition(change, 'conflict', 'this pass is not under way')
}

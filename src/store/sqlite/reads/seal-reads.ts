import type { Entry, SealRecord } from '../../store.ts'
import type { Database } from '../database.ts'
import { heldRow } from '../held.ts'
import type { HeldRow } from '../held.ts'

export function readSeal(db: Database): SealRecord | undefined {
  return db.get<SealRecord>('select kind, config, root_key as rootKey, keyring, instance from seal')
}

export function whereabouts(db: Database): { held: HeldRow | undefined; instance: string | null } {
  return { held: heldRow(db), instance: db.get<{ instance: string | null }>('select instance from whereabouts')?.instance ?? null }
}

export function timeMark(db: Database): number {
  return db.get<{ mark: number }>('select coalesce(max(time_mark), 0) as mark from node')!.mark
}

export function entry(db: Database, space: string, key: string): Entry | undefined {
  return db.get<Entry>('select value, version, uses from entry where space = :space and key = :key', { space, key })
}

export function keys(db: Database, space: string, prefix: string, after: string, limit: number): string[] {
  const sql = `select key from entry where space = :space and key >= :prefix and key < :prefix || char(1114111) and key > :after order by key limit :limit`
  return db.all<{ key: string }>(sql, { space, prefix, after, limit }).map(row => row.key)
}

export function entries(db: Database, space: string): { generation: number; entries: (Entry & { key: string })[] } {
  return {
    generation: generation(db),
    entries: db.all<Entry & { key: string }>('select key, value, version, uses from entry where space = :space order by key', { space })
  }
}

export function generation(db: Database): number {
  return db.get<{ value: number }>(`select value from counter where name = 'generation'`)!.value
}

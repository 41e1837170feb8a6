import { readFileSync } from 'node:fs'
import { BrokerError } from '../../contracts/index.ts'
import type { Database } from './database.ts'

/** One file per version, applied in order; none is ever edited after a release. */
const versions = ['sqlite-1.sql'] as const

export const schemaKnown = versions.length

// 'MAYF' in the file's header: a database of another program is never taken for an empty store.
export const applicationId = 0x4d415946

/** Brings the schema up to date in one transaction. An older broker refuses a newer store. */
export function migrate(db: Database, place: string): void {
  const found = pragma(db, 'user_version')
  const known = schemaKnown
  if (found > known) {
    throw new BrokerError(
      'store_unreachable',
      `the store at ${place} has schema ${found}, and this mayfly knows up to ${known}: use the newer mayfly`
    )
  }
  refuseForeign(db, place, found)
  if (found === known) return
  db.connection.exec('begin immediate')
  try {
    for (const file of versions.slice(found)) db.connection.exec(readFileSync(new URL(`../schema/${file}`, import.meta.url), 'utf8'))
    db.connection.exec(`pragma user_version = ${known}`)
    db.connection.exec(`pragma application_id = ${applicationId}`)
    db.connection.exec('commit')
  } catch (error) {
    if (db.inTransaction) db.connection.exec('rollback')
    throw error
  }
}

function refuseForeign(db: Database, place: string, found: number): void {
  const tables = db.connection.prepare(`select count(*) as count from sqlite_schema`).get() as { count: number }
  if (found === 0 && tables.count === 0) return
  if (pragma(db, 'application_id') !== applicationId)
    throw new BrokerError('store_unreachable', `the database at ${place} is no store of mayfly`)
}

function pragma(db: Database, name: 'user_version' | 'application_id'): number {
  return (db.connection.prepare(`pragma ${name}`).get() as Record<string, number>)[name] ?? 0
}

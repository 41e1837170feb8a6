import type { SealedRow, SealedTable } from '../../store.ts'
import type { Database } from '../database.ts'
import { sealedBelow, sealedColumns } from '../rows/sealed-columns.ts'

export interface ResealingRow {
  readonly below: number
  readonly table: SealedTable
  readonly cursor: string
  readonly resealed: number
  readonly unreadable: number
  readonly begunAt: number
}

export function resealing(db: Database): ResealingRow | undefined {
  return db.get<ResealingRow>('select below, stage as "table", cursor, resealed, unreadable, begun_at as begunAt from reseal')
}

type PageRow = Readonly<Record<string, string | number>> & { readonly sealed: Uint8Array | null }

/** Walks so many rows by the table's own order; the answer carries only those that are to be sealed anew. */
export function sealedPage(
  db: Database,
  table: SealedTable,
  cursor: string,
  below: number,
  limit: number
): { rows: SealedRow[]; next?: string } {
  const { keys, order, start } = sealedColumns[table]
  const after = cursor === '' ? start : (JSON.parse(cursor) as readonly (string | number)[])
  const from = Object.fromEntries(order.map((column, index) => [`after_${column}`, after[index]!]))
  const { from: low, to: high } = sealedBelow(below)
  const page = db.all<PageRow>(pageSql(table), { ...from, low, high, limit })
  const last = page.at(-1)
  return {
    rows: page.flatMap(row => (row.sealed ? [{ keys: keys.map(key => String(row[key])), value: row.sealed }] : [])),
    ...(last ? { next: JSON.stringify(order.map(column => last[column]!)) } : {})
  }
}

function pageSql(table: SealedTable): string {
  const { column, keys, order } = sealedColumns[table]
  const wanted = [...new Set([...keys, ...order])].join(', ')
  const behind =
    order.length === 1 ? `${order[0]} > :after_${order[0]}` : `(${order.join(', ')}) > (${order.map(name => `:after_${name}`).join(', ')})`
  return `select ${wanted}, case when ${column} >= :low and ${column} < :high then ${column} end as sealed
    from ${table} where ${behind} order by ${order.join(', ')} limit :limit`
}

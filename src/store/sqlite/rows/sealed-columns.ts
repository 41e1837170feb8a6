import type { SealedTable } from '../../store.ts'

/** Where sealed values lie, for the pass that seals them anew. A table with a blob that is missing here would lose its rows with the old key: a test compares this with the schema. */
export interface SealedColumn {
  readonly column: string
  /** Found by these, in the order of `SealedRow.keys`. */
  readonly keys: readonly [string, ...string[]]
  /** Walked in the order of these, from `start`: an index that new rows join at the end, or the primary key. */
  readonly order: readonly [string, ...string[]]
  readonly start: readonly [string | number, ...(string | number)[]]
}

export const sealedColumns: Readonly<Record<SealedTable, SealedColumn>> = {
  entry: { column: 'value', keys: ['space', 'key'], order: ['space', 'key'], start: ['', ''] },
  recipe: { column: 'value', keys: ['id'], order: ['id'], start: [''] },
  task: { column: 'intent', keys: ['mount', 'task', 'key'], order: ['version'], start: [0] },
  lease: { column: 'handle', keys: ['id'], order: ['number'], start: [0] }
}

/** Bytes between which a sealed value lies that names a key of the keyring below `below`: format 1, then the id. */
export function sealedBelow(below: number): { readonly from: Uint8Array; readonly to: Uint8Array } {
  return { from: front(1), to: front(below) }
}

function front(keyId: number): Uint8Array {
  const bytes = Buffer.alloc(5)
  bytes.writeUInt8(1)
  bytes.writeUInt32BE(keyId, 1)
  return bytes
}

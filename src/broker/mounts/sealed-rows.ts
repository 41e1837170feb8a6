import type { Json } from '../../contracts/index.ts'
import type { Barrier } from '../../seal/barrier.ts'
import type { Place } from '../../seal/place.ts'
import type { Store } from '../../store/store.ts'

/** Rows of the entry table are bound to their space and key: a row that was swapped, cut or edited does not open. */
export function entryPlace(space: string, key: string): Place {
  return { table: 'entry', row: `${space}\n${key}`, column: 'value' }
}

export interface OpenedEntry {
  readonly value: Json
  readonly version: number
}

/** Reads one sealed row. The value may be shared with others who read it: it is frozen. */
export async function readEntry(store: Store, barrier: Barrier, space: string, key: string): Promise<OpenedEntry | undefined> {
  const entry = await store.entry(space, key)
  return entry && { value: barrier.openKept(entryPlace(space, key), entry.value), version: entry.version }
}

/** The change that writes one sealed row. */
export function putEntry(barrier: Barrier, space: string, key: string, value: Json, expected?: number) {
  const sealed = barrier.sealJson(entryPlace(space, key), value)
  return { kind: 'entry.put', space, key, value: sealed, ...(expected === undefined ? {} : { expected }) } as const
}

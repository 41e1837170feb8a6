import type { SealRecord } from '../../store/store.ts'

/** What the record of a seal by shares keeps in clear. */
export function shamirOf(record: SealRecord): { readonly shares: number; readonly threshold: number } {
  return JSON.parse(record.config) as { shares: number; threshold: number }
}

import type { Dependency } from './dependencies.ts'

/** Why a user cannot be dropped, for who has to see to it; nothing when nothing names it. */
export function whatKeeps(found: readonly Dependency[]): string | undefined {
  const owning = found.filter(({ owns }) => owns)
  const owned = owning.flatMap(({ database }) => database ?? [])
  if (owned.length > 0) return `it owns objects in ${databasesIn(owned)}: reassign or drop them`
  if (owning.length > 0) return 'it owns a database or a tablespace: give it to another role'
  const rights = found.flatMap(({ database }) => database ?? [])
  if (rights.length > 0) return `it holds rights in ${databasesIn(rights)}: revoke them there`
  return found.length > 0 ? 'it holds rights on a database, a tablespace or a setting: revoke them' : undefined
}

/** Names read from a server may hold anything. */
export function databasesIn(names: readonly string[]): string {
  const shown = [...new Set(names)].slice(0, 5).map(name => `"${name.replaceAll(/[^\x20-\x7e\xa0-\uffff]/g, '?').slice(0, 63)}"`)
  return `the database${shown.length === 1 ? '' : 's'} ${shown.join(', ')}${names.length > shown.length ? ' and others' : ''}`
}

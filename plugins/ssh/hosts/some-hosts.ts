// Each other set of names is an entry of the trail, and a note of every lease.
const namedMax = 5

/** `more`: there are others that are not among these. */
export function someHosts({ names, more }: { readonly names: readonly string[]; readonly more: boolean }): string {
  return `${names.slice(0, namedMax).join(', ')}${more || names.length > namedMax ? ' and others' : ''}`
}

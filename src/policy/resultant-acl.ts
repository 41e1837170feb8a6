import type { Acl } from './acl.ts'
import { capabilitiesOf } from './capabilities-at.ts'

interface PathCapabilities {
  readonly [path: string]: { readonly capabilities: readonly string[] }
}

export type ResultantAcl =
  | { readonly root: true }
  | { readonly root: false; readonly exact_paths: PathCapabilities; readonly glob_paths: PathCapabilities }

/** The whole ACL as user interfaces read it; wildcard paths without their `*`. */
export function resultantAcl(acl: Acl): ResultantAcl {
  if (acl.root) return { root: true }
  const globs = [...acl.byHead.values()].flat()
  // fromEntries makes own properties, of a path named `__proto__` too.
  return {
    root: false,
    exact_paths: Object.fromEntries([...acl.exact].map(([path, grant]) => [path, { capabilities: capabilitiesOf(grant) }])),
    glob_paths: Object.fromEntries(globs.map(({ wildcard, grant }) => [wildcard.body, { capabilities: capabilitiesOf(grant) }]))
  }
}

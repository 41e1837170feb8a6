import type { Acl, Grant } from './acl.ts'
import { capabilities } from './capability.ts'
import { findGrant, findListGrant } from './find-grant.ts'

/** What the caller may do at a path, in alphabetical order; `root` or `deny` alone. A path with a trailing slash can only be listed, so it is read as a list. */
export function capabilitiesAt(acl: Acl, path: string): readonly string[] {
  if (acl.root) return ['root']
  const routed = path.replace(/^\/+/, '')
  return capabilitiesOf(routed.endsWith('/') ? findListGrant(acl, routed) : findGrant(acl, routed))
}

export function capabilitiesOf(grant: Grant | undefined): readonly string[] {
  if (!grant || grant.capabilities.size === 0) return ['deny']
  return capabilities.filter(capability => grant.capabilities.has(capability))
}

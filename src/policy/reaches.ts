import type { Acl, Grant } from './acl.ts'
import { capabilitiesAt } from './capabilities-at.ts'
import type { Wildcard } from './wildcard.ts'

/** Whether the caller may do anything at or below a path such as `database/`: decides which mounts a caller sees, not what happens in them. So it may say yes
 *  where a narrower deny leaves nothing, as on the wire. */
export function reaches(acl: Acl, below: string): boolean {
  if (acl.root || capabilitiesAt(acl, below)[0] !== 'deny') return true
  for (const [path, grant] of acl.exact) if (path.startsWith(below) && givesSomething(grant)) return true
  for (const bucket of acl.byHead.values()) {
    if (bucket.some(({ wildcard, grant }) => givesSomething(grant) && leadsBelow(wildcard, below))) return true
  }
  return false
}

function givesSomething(grant: Grant): boolean {
  return grant.capabilities.size > 0 && !grant.capabilities.has('deny')
}

/** Segment by segment: the rule goes on below the path, and nothing on the way contradicts it. */
function leadsBelow(wildcard: Wildcard, below: string): boolean {
  if (wildcard.tail === undefined) return wildcard.head.startsWith(below)
  const wanted = wildcard.body.split('/')
  const segments = below.split('/').slice(0, -1)
  return wanted.length > segments.length && segments.every((segment, at) => wanted[at] === '+' || wanted[at] === segment)
}

import type { Acl, Grant } from './acl.ts'
import { matchesAfterHead } from './wildcard.ts'

/** The one rule that decides this path: the rule equal to it, else the highest wildcard rule that matches. */
export function findGrant(acl: Acl, path: string): Grant | undefined {
  return acl.exact.get(path) ?? highestWildcard(acl, path)
}

/** A list is asked with and without its trailing slash, and a deny found for either wins: where only one spelling counts, the other is the way round the
 *  deny (GHSA-xp3c-3jw3-4vcr). Exact rules still come before wildcards. */
export function findListGrant(acl: Acl, path: string): Grant | undefined {
  const bare = path.endsWith('/') ? path.slice(0, -1) : path
  const slashed = `${bare}/`
  return denyOrFirst(acl.exact.get(slashed), acl.exact.get(bare)) ?? denyOrFirst(highestWildcard(acl, slashed), highestWildcard(acl, bare))
}

function denyOrFirst(first: Grant | undefined, second: Grant | undefined): Grant | undefined {
  return second?.capabilities.has('deny') ? second : (first ?? second)
}

function highestWildcard(acl: Acl, path: string): Grant | undefined {
  for (const length of acl.headLengths) {
    if (length > path.length) continue
    const found = acl.byHead.get(path.slice(0, length))?.find(({ wildcard }) => matchesAfterHead(wildcard, path))
    if (found) return found.grant
  }
  return undefined
}

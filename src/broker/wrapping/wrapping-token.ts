import { randomBase62 } from '../../lease/base62.ts'
import type { Token } from '../../store/token.ts'
import { tokenHash } from '../door/authenticate.ts'
import type { Parts } from '../parts.ts'

const policies: readonly string[] = ['response-wrapping']

/** Good for one opening, until its time is over. It belongs to nobody: who asked for the reply may end, and it still opens. */
export function newWrappingToken(parts: Parts, creationPath: string, seconds: number): { readonly text: string; readonly row: Token } {
  const text = `s.${randomBase62(parts.random, 26)}`
  const now = parts.clock.now()
  const row: Token = {
    hash: tokenHash(parts, text),
    accessor: randomBase62(parts.random, 24),
    parent: null,
    depth: 0,
    path: creationPath,
    policies,
    displayName: '',
    meta: null,
    entity: '',
    uses: 1,
    issuedAt: now,
    creationTtl: seconds,
    explicitMaxTtl: seconds,
    period: 0,
    renewable: false,
    expiresAt: now.add({ seconds }),
    lastRenewal: null,
    boundCidrs: [],
    endedAt: null,
    endedBy: null
  }
  return { text, row }
}

/** Nobody else is given this policy. */
export function isWrappingToken(token: Token | null | undefined): token is Token {
  return token?.policies[0] === policies[0]
}

import { BrokerError } from '../../contracts/index.ts'
import type { Random } from '../../contracts/index.ts'
import { randomBase62 } from '../../lease/base62.ts'
import type { Barrier } from '../../seal/barrier.ts'
import type { Token } from '../../store/token.ts'
import { tokenHash } from '../door/authenticate.ts'

/** The first token: root, without an end. `wanted` is the developer's own choice in dev mode. */
export function rootToken(
  barrier: Barrier,
  random: Random,
  now: Temporal.Instant,
  wanted: string | undefined
): { readonly token: string; readonly row: Token } {
  if (wanted !== undefined && !/^[A-Za-z0-9._-]{1,128}$/.test(wanted))
    throw new BrokerError('invalid_request', 'the dev root token may have letters, digits, ".", "_" and "-" only')
  const token = wanted ?? `s.${randomBase62(random, 26)}`
  const row: Token = {
    hash: tokenHash({ barrier }, token),
    accessor: randomBase62(random, 24),
    parent: null,
    depth: 0,
    path: 'auth/token/root',
    policies: ['root'],
    displayName: 'root',
    meta: null,
    entity: '',
    uses: 0,
    issuedAt: now,
    creationTtl: 0,
    explicitMaxTtl: 0,
    period: 0,
    renewable: false,
    expiresAt: null,
    lastRenewal: null,
    boundCidrs: [],
    endedAt: null,
    endedBy: null
  }
  return { token, row }
}

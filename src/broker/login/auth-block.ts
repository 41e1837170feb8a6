import { Secret } from '../../contracts/index.ts'
import type { Auth } from '../door/request.ts'
import type { Token } from '../../store/token.ts'

/** The `auth` block of a token that was made or renewed. `clientToken` is empty where the caller did not show the token itself. */
export function authBlock(token: Omit<Token, 'hash'>, clientToken: string, seconds: number): Secret<Auth> {
  return new Secret({
    client_token: clientToken,
    accessor: token.accessor,
    policies: token.policies,
    token_policies: token.policies,
    metadata: token.meta,
    lease_duration: seconds,
    renewable: token.renewable,
    entity_id: token.entity,
    token_type: 'service',
    orphan: token.parent === null,
    mfa_requirement: null,
    num_uses: token.uses
  })
}

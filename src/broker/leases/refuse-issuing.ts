import { BrokerError } from '../../contracts/index.ts'
import type { Issuance } from '../../contracts/index.ts'
import type { Call } from '../door/core-path.ts'

/** What keeps a credential from being made at all, asked before anything is promised. */
export function refuseIssuing(call: Call, plan: Issuance): void {
  const { parts, identity } = call
  // On the wire the credential is made and revoked at once; refusing first leaves nothing to revoke.
  if (identity.token?.endedAt)
    throw new BrokerError(
      'invalid_request',
      'Secret cannot be returned; token had one use left, so leased credentials were immediately revoked.'
    )
  parts.inspection.refuseOnDamage()
  if (parts.time.suspect())
    throw new BrokerError(
      'clock_suspect',
      'the clock of this host disagrees with the time of the store; nothing is issued until they agree'
    )
  const failing = parts.circuits.failing(plan.target)
  if (failing)
    throw new BrokerError('target_unreachable', 'the target does not answer now; waiting revocations will find out when it does', {
      retryAfter: 10
    })
}

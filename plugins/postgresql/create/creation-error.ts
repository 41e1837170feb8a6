import { BrokerError } from 'mayfly/plugin'
import type { ErrorCode } from 'mayfly/plugin'
import { deadlinePassed, noHeir, notEndable, sqlState, targetError } from '../server/errors.ts'

/** What went wrong while a user was made, in words of ours where we raised it. `lost`: what a missing answer means. */
export function creationError(error: unknown, secrets: readonly string[], lost: ErrorCode = 'target_silent'): BrokerError {
  const state = sqlState(error)
  if (state === deadlinePassed) return new BrokerError('target_refused', "the issuance deadline has passed on the server's clock")
  if (state === noHeir)
    return new BrokerError(
      'target_refused',
      'reassign_to: no such role at the server, or the admin account is not granted it with INHERIT and SET'
    )
  if (state === notEndable)
    return new BrokerError(
      'target_refused',
      'the statements left no user of that name that the admin account may end, or ended the transaction they ran in'
    )
  return targetError(error, lost, secrets)
}

import { BrokerError } from '../../contracts/index.ts'
import type { WireRequest } from '../door/request.ts'

// A reply that arrives with less than this left would hand out a login that is dead on arrival.
const usefulMsMin = 250

/** After the effect, look at the clock again: a pause may have eaten the credential's time, and the caller may have gone. */
export function refuseUseless(request: WireRequest, expiresAt: Temporal.Instant, now: Temporal.Instant): void {
  if (expiresAt.epochMilliseconds - now.epochMilliseconds < usefulMsMin)
    throw new BrokerError('target_silent', 'issuing took longer than the credential lives')
  if (request.gone.aborted) throw new BrokerError('caller_gone', 'the caller has gone before the reply')
}

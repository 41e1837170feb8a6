/** Who asks about a wrapping token, which may be the caller's own or stand in the body. One that does not open any more is told of to anybody, before it is asked who they are: whoever was to
 *  open it must learn that somebody else was there. */
import { BrokerError } from '../../contracts/index.ts'
import { anonymous } from '../door/anonymous.ts'
import { authenticate, denied } from '../door/authenticate.ts'
import { liveToken } from '../door/live-token.ts'
import type { Parts } from '../parts.ts'
import type { Identity, WireRequest } from '../door/request.ts'
import { spendUse } from '../door/spend-use.ts'
import { isWrappingToken } from './wrapping-token.ts'

const lookup = 'sys/wrapping/lookup'
const paths: ReadonlySet<string> = new Set([lookup, 'sys/wrapping/unwrap', 'sys/wrapping/rewrap'])

// Longer than any token of ours; what is longer is not hashed at all.
const tokenCharsMax = 512

export function asksAboutWrapping({ path }: WireRequest): boolean {
  return paths.has(path)
}

/** The wrapping token that is asked about. */
export function shownToken({ data, token }: WireRequest): string {
  const said = data['token']
  const shown = typeof said === 'string' && said !== '' ? said : (token ?? '')
  return shown.length > tokenCharsMax ? '' : shown
}

/** A wrapping token pays nothing at this door: looking costs nothing, and opening takes its one use in the commit that opens. Whose token does not live is nobody here. */
export async function identifyHolder(parts: Parts, request: WireRequest): Promise<Identity> {
  if (request.token === undefined && shownToken(request) === '') {
    parts.trail.countRefusal(request.remoteAddress)
    throw new BrokerError('permission_denied', 'error validating wrapping token: token is empty')
  }
  if (request.token === undefined) return anonymous
  try {
    const identity = await authenticate(parts, request)
    return isWrappingToken(identity.token) ? identity : await spendUse(parts, identity)
  } catch (error) {
    if (error instanceof BrokerError && error.code === 'permission_denied') return anonymous
    throw error
  }
}

export async function refuseDeadWrapping(parts: Parts, request: WireRequest, { token }: Identity): Promise<void> {
  if (!isWrappingToken(await liveToken(parts, shownToken(request)))) throw notValid()
  // Opening is for who has a token, be it the wrapping token itself; a look is for everybody.
  if (!token && request.path !== lookup) throw denied()
}

export function notValid(): BrokerError {
  return new BrokerError('invalid_wrapping_token', 'wrapping token is not valid or does not exist')
}

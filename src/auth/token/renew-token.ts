import { BrokerError } from '../../contracts/index.ts'
import { authBlock } from '../../broker/login/auth-block.ts'
import type { Call } from '../../broker/door/core-path.ts'
import type { Outcome } from '../../broker/door/request.ts'
import type { Token } from '../../store/token.ts'
import { liveToken, liveTokenByAccessor } from '../../broker/door/live-token.ts'
import { renewal } from './renewal.ts'

interface Increment {
  increment?: number | undefined
}

export async function renewSelf(call: Call<Increment>): Promise<Outcome> {
  return renew(call, call.identity.token ?? undefined, call.request.token ?? '')
}

export async function renewToken(call: Call<Increment & { token?: string | undefined }>): Promise<Outcome> {
  const { token } = call.fields
  if (!token) throw new BrokerError('invalid_request', 'missing token ID')
  return renew(call, await liveToken(call.parts, token), token)
}

/** The reply never shows a token that the caller did not show. */
export async function renewAccessor(call: Call<Increment & { accessor?: string | undefined }>): Promise<Outcome> {
  const { accessor } = call.fields
  if (!accessor) throw new BrokerError('invalid_request', 'missing accessor')
  return renew(call, await liveTokenByAccessor(call.parts, accessor), '')
}

/** Refusals are 400: where the wire answers 500, clients repeat what cannot succeed. */
async function renew(call: Call<Increment>, token: Token | undefined, shown: string): Promise<Outcome> {
  if (!token) throw new BrokerError('invalid_lease', 'token not found')
  const ttl = await renewal(call.parts, token, call.fields.increment ?? 0)
  call.change({ kind: 'token.renew', hash: token.hash, expiresAt: ttl.expiresAt })
  return { auth: authBlock(token, shown, ttl.seconds), warnings: ttl.warnings }
}

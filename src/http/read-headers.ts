import type { IncomingMessage } from 'node:http'
import { BrokerError, parseDuration } from '../contracts/index.ts'

/** `X-Vault-Token`; when it is absent or empty, `Authorization: Bearer`, in exactly this spelling. A token in the query, the body or a cookie is none. */
export function readToken({ headers, rawHeaders }: IncomingMessage): string | undefined {
  const token = one(headers['x-vault-token'])
  // Node joins what is repeated. No token has a comma, but a caller may send one that has.
  if (token?.includes(',')) refuseRepeated(rawHeaders, 'x-vault-token')
  if (token) return token
  const authorization = headers.authorization
  if (authorization === undefined) return undefined
  // Of this one Node keeps the first in silence.
  refuseRepeated(rawHeaders, 'authorization')
  return authorization.startsWith('Bearer ') ? authorization.slice(7).trim() || undefined : undefined
}

/** A header that would change the meaning of every request: refused, never ignored. */
export function refuseUnknownScope({ headers }: IncomingMessage): void {
  const namespace = one(headers['x-vault-namespace'])
  if (namespace !== undefined && !rootScopes.has(namespace)) throw new BrokerError('no_route', 'namespace not found')
}

/** For how many seconds the reply shall wait wrapped; 0: it shall not. */
export function readWrapSeconds({ headers }: IncomingMessage): number {
  const wrap = one(headers['x-vault-wrap-ttl'])
  return wrap === undefined ? 0 : wrapSeconds(wrap)
}

/** Clients send the header empty, or with one of the names of the root. */
const rootScopes: ReadonlySet<string> = new Set(['', '/', 'root', 'root/'])

function wrapSeconds(text: string): number {
  try {
    const seconds = parseDuration(text) ?? 0
    // Whoever asks for half a second must not get in clear what was to be wrapped.
    if (seconds === 0 && /[1-9]/.test(text)) throw new BrokerError('invalid_request', 'at least 1s')
    return seconds
  } catch (error) {
    const why = error instanceof BrokerError ? error.message : 'not a duration'
    throw new BrokerError('invalid_request', `error parsing X-Vault-Wrap-TTL header: ${why}`)
  }
}

function one(value: string | string[] | undefined): string | undefined {
  return typeof value === 'object' ? value.join(', ') : value
}

function refuseRepeated(rawHeaders: readonly string[], name: string): void {
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]!.length === name.length && rawHeaders[i]!.toLowerCase() === name) count++
  if (count > 1) throw new BrokerError('invalid_request', `the header ${name} is repeated`)
}

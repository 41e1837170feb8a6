import { ClientError, Denied, NothingThere, NotUnderstood, Refused, Sealed, TooMany, Unreachable } from '../client/client-error.ts'
import { BrokerError } from '../contracts/index.ts'
import { exitCode } from './exit-code.ts'
import { UsageError } from './usage-error.ts'

export interface Told {
  readonly text: string
  readonly code: number
}

/** An error in words that say what to do, and its exit code. The one place where the command line's errors end. */
export function tellError(error: unknown, tokenFrom: string | undefined): Told {
  if (error instanceof ClientError) return { text: ofServer(error, tokenFrom), code: exitCode.refused }
  if (error instanceof UsageError || error instanceof BrokerError) return { text: inOneLine(error.message), code: exitCode.thisSide }
  const { code, path } = (error ?? {}) as NodeJS.ErrnoException
  if (code !== undefined && path !== undefined) return { text: `cannot read ${path} (${code})`, code: exitCode.thisSide }
  return { text: `this should not happen: ${error instanceof Error ? error.message : String(error)}`, code: exitCode.thisSide }
}

/** The mistakes of a file, one below the other, are told behind each other. */
function inOneLine(text: string): string {
  const [first = '', ...more] = text.split(/\n\s*/)
  return more.length === 0 ? first : `${first} ${more.join('; ')}`
}

function ofServer(error: ClientError, tokenFrom: string | undefined): string {
  if (error instanceof Unreachable) return noReply(error)
  if (error instanceof Denied) return denied(error, tokenFrom)
  if (error instanceof NothingThere) return `nothing at ${error.path}`
  if (error instanceof Sealed) return `${error.message}: mayfly operator unseal, or init where it is new`
  if (error instanceof TooMany) return error.retryAfter === undefined ? error.message : `${error.message} (again in ${error.retryAfter} s)`
  if (error instanceof Refused && isNoPath(error)) return `${error.message} (mayfly path-help ${mountIn(error.path)} shows what is there)`
  if (error instanceof Refused && error.texts.length === 0) return `the server answered with status ${error.status}`
  if (error instanceof NotUnderstood) return `${error.message}: does a Mayfly listen there? (MAYFLY_ADDR)`
  return error.message
}

/** The server knows no such path, or does not do that there. */
function isNoPath({ texts }: Refused): boolean {
  return texts.length === 1 && (texts[0] === 'unsupported path' || texts[0] === 'unsupported operation')
}

/** Most mounts are one segment, and auth methods two. */
function mountIn(path: string): string {
  const segments = path.split('/').filter(Boolean)
  return segments.slice(0, segments[0] === 'auth' ? 2 : 1).join('/')
}

function denied(error: Denied, tokenFrom: string | undefined): string {
  const text = error.message || 'permission denied'
  if (tokenFrom === undefined) return `${text}: no token was sent; mayfly login, or set MAYFLY_TOKEN`
  // Of the token that was asked about, not of the one that asks.
  if (text === 'bad token') return `${text}: this server knows none like it`
  // Whom another token would not help: a connection lists its roles.
  if (text.endsWith('is not an allowed role')) return `${text} of its connection (allowed_roles)`
  return `${text} (with the token of ${tokenFrom})`
}

function noReply({ why, address }: Unreachable): string {
  return {
    refused: `cannot reach ${address}: is the server running? (MAYFLY_ADDR)`,
    'unknown host': `cannot reach ${address}: this host is not known (MAYFLY_ADDR)`,
    'untrusted certificate': `cannot trust ${address}: name the authority of its certificate (MAYFLY_CACERT), and the host as the certificate does`,
    'no TLS': `cannot reach ${address}: no TLS is spoken there; http:// instead of https://? (MAYFLY_ADDR)`,
    'cut short': `the connection to ${address} broke before the reply was whole`,
    silent: `no reply from ${address} in time; it may still act on the request`,
    broken: `the connection to ${address} broke before a reply; it may still act on the request. https:// instead of http://? (MAYFLY_ADDR)`
  }[why]
}

import { BrokerError } from 'mayfly/plugin'
import type { ErrorCode } from 'mayfly/plugin'

/** A refusal of the server, as the client library tells it. */
export interface ServerError extends Error {
  readonly errno: number
  readonly sqlState: string
  readonly sqlMessage: string
}

/** What the server says of itself: it ends this session, or takes none now. It says nothing about what was asked before: too many connections, shutting down, killed, interrupted by
 *  another, idle for too long. */
const goingAway = new Set([1040, 1053, 1077, 1152, 1203, 1317, 1927, 2006, 2013, 3169, 4031])
const locked = new Set([1205, 1213, 1290, 1836, 3572])
const shownMax = 200
const causeMax = 1_000

export const wrongPassword = 1045
/** The same in MariaDB's words about a user that is not there: it answers as one of the accounts that are would, and those of a socket have no password. */
export const noPasswordThere = 1698
export const noSuchEvent = 1539
/** No right on the schema of the expiries, or no such schema; an account of the same name is told with its host. */
export const isEventless = (error: unknown): boolean =>
  [1044, 1049].includes(errorNumber(error) ?? 0) && /'mayfly'(?!@)/.test(messageOf(error))

/** What no server of this kind does. The session is over. */
export class Misbehaviour extends Error {}

/** The number of a refusal; nothing for a connection that failed. */
export function errorNumber(error: unknown): number | undefined {
  const { errno, sqlState } = (error ?? {}) as Partial<ServerError>
  return error instanceof Error && typeof errno === 'number' && typeof sqlState === 'string' ? errno : undefined
}

/** What our own blocks raise, where the server lets them. */
export const sqlState = (error: unknown): string | undefined =>
  errorNumber(error) === undefined ? undefined : (error as ServerError).sqlState

/** Somebody else is at it, or the server takes no changes now: a repeat makes sense in seconds. */
export const isLocked = (error: unknown): boolean => locked.has(errorNumber(error) ?? 0)

/** Whether the server answered, so that its session goes on. */
export function isAnswer(error: unknown): error is ServerError {
  const number = errorNumber(error)
  return number !== undefined && !goingAway.has(number)
}

/** Whatever went wrong at a server, as the broker tells it. `lost` is what a missing answer means: silence after a change is no proof that nothing was made. */
export function targetError(error: unknown, lost: ErrorCode, secrets: readonly string[]): BrokerError {
  if (error instanceof BrokerError) return error
  if (isAnswer(error)) return new BrokerError('target_refused', refusalText(error, secrets), { cause: cleanCause(error, secrets) })
  return new BrokerError(lost, lostText(lost, error), { cause: cleanCause(error, secrets) })
}

/** Before a session was there: nothing has been asked of the server yet. */
export function connectError(error: unknown, secrets: readonly string[]): BrokerError {
  if (error instanceof BrokerError) return error
  const cause = cleanCause(error, secrets)
  if (isAnswer(error)) return answered(error, secrets, cause)
  if (error instanceof Misbehaviour) return new BrokerError('target_refused', `the server is not trusted: ${error.message}`, { cause })
  const code = codeOf(error)
  if (code === 'HANDSHAKE_NO_SSL_SUPPORT')
    return new BrokerError('target_refused', 'the database server offers no TLS, which tls=true asks for', { cause })
  if (isCertificateError(code)) {
    const why = certificateWords(error, code)
    return new BrokerError('target_refused', `the server's certificate is not accepted: ${why}`, { cause })
  }
  return new BrokerError('target_unreachable', `cannot reach the database server: ${code || 'no answer in time'}`, { cause })
}

const numbers = new WeakMap<BrokerError, number>()

/** The number behind a refused login. */
export const numberOf = (error: BrokerError): number | undefined => numbers.get(error)

function answered(error: ServerError, secrets: readonly string[], cause: Error): BrokerError {
  const refusal = new BrokerError('target_refused', refusalText(error, secrets), { cause })
  numbers.set(refusal, error.errno)
  return refusal
}

/** Number and first line, as far as they hold no secret and no address. A syntax error quotes the statement from there on: only its number is told. */
export function refusalText(error: ServerError, secrets: readonly string[]): string {
  const first = (error.sqlMessage ?? '').split('\n')[0] ?? ''
  const line = error.errno === 1064 ? 'syntax error' : withoutAddresses(masked(first, secrets))
  return `the server refused: ${error.errno} ${line.slice(0, shownMax)}`
}

export function masked(text: string, secrets: readonly string[]): string {
  return secrets.filter(secret => secret.length > 2).reduce((rest, secret) => rest.replaceAll(secret, () => '[secret]'), text)
}

const withoutAddresses = (text: string): string =>
  text
    // A login that is refused is told with the name that the server found for our host.
    .replaceAll(/@'(?!%')[^']*'/g, "@'[address]'")
    .replace(/ \(using password: \w+\)$/, '')
    .replaceAll(/\b\d{1,3}(\.\d{1,3}){3}\b/g, '[address]')
    .replaceAll(/(?<![\w:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])/g, '[address]')

/** For the log. An error of the library carries the statement that failed, and with it what was put into it. */
function cleanCause(error: unknown, secrets: readonly string[]): Error {
  return new Error(masked([codeOf(error), messageOf(error)].filter(Boolean).join('; '), secrets).slice(0, causeMax))
}

function lostText(lost: ErrorCode, error: unknown): string {
  const what = lost === 'target_silent' ? 'the outcome is unknown, the server did not answer' : 'the connection to the server broke'
  return `${what}: ${error instanceof Misbehaviour ? error.message : codeOf(error) || 'no answer in time'}`
}

function isCertificateError(code: string): boolean {
  return /^(CERT_|ERR_TLS_CERT|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|ERR_SSL_|ERR_OSSL|HANDSHAKE_SSL)/.test(
    code
  )
}

/** The client library puts one code over all those of TLS; what the sentence says before a colon names no host. */
function certificateWords(error: unknown, code: string): string {
  const said = /^(?!error:)[A-Z][\w '/-]*/i.exec(messageOf(error))?.[0]
  if (code !== 'HANDSHAKE_SSL_ERROR' || said === undefined) return code
  if (/altnames/.test(said)) return `${said} (tls_server_name: the name on it)`
  return /self-signed|unable to/.test(said) ? `${said} (tls_ca: whom to trust in place of the system's authorities)` : said
}

function codeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null)?.code
  return typeof code === 'string' && /^[A-Z0-9_]{2,60}$/.test(code) ? code : ''
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

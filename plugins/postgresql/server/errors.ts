import { BrokerError } from 'mayfly/plugin'
import type { ErrorCode } from 'mayfly/plugin'
import { DatabaseError } from 'pg'

/** Ours, raised by blocks that we send. */
export const deadlinePassed = 'MF001'
export const notEndable = 'MF002'
export const notOurs = 'MF003'
export const noHeir = 'MF004'

/** What the server says of itself: it ends this session, or takes none now. It says nothing about what was asked before. */
const goingAway = new Set(['57P01', '57P02', '57P03', '57P05', '53300', '25P03'])
const locked = new Set(['55P03', '40P01', '40001', '55006'])
const shownMax = 200
const causeMax = 1_000

/** What no server of this kind does. The session is over. */
export class Misbehaviour extends Error {}

/** The five characters of a refusal; nothing for a connection that failed. */
export const sqlState = (error: unknown): string | undefined => (error instanceof DatabaseError ? error.code : undefined)

/** Somebody else is at it: a repeat makes sense in seconds. */
export const isLocked = (error: unknown): boolean => locked.has(sqlState(error) ?? '')

/** Whether the server answered, so that its session goes on. */
export function isAnswer(error: unknown): boolean {
  const state = sqlState(error)
  return state !== undefined && !goingAway.has(state) && !state.startsWith('08')
}

/** Whatever went wrong at a server, as the broker tells it. `lost` is what a missing answer means: silence after a change is no proof that nothing was made. */
export function targetError(error: unknown, lost: ErrorCode, secrets: readonly string[]): BrokerError {
  if (error instanceof BrokerError) return error
  if (isAnswer(error))
    return new BrokerError('target_refused', refusalText(error as DatabaseError, secrets), { cause: cleanCause(error, secrets) })
  return new BrokerError(lost, lostText(lost, error), { cause: cleanCause(error, secrets) })
}

/** Before a session was there: nothing has been asked of the server yet. */
export function connectError(error: unknown, secrets: readonly string[]): BrokerError {
  if (error instanceof BrokerError) return error
  const cause = cleanCause(error, secrets)
  if (isAnswer(error)) return answered(error as DatabaseError, secrets, cause)
  if (error instanceof DatabaseError && error.code === undefined)
    return new BrokerError('target_refused', 'what answers there does not speak PostgreSQL', { cause })
  if (/does not support SSL/.test(messageOf(error)))
    return new BrokerError('target_refused', 'the database server offers no TLS, which sslmode asks for', { cause })
  if (error instanceof Misbehaviour) return new BrokerError('target_refused', `the server is not trusted: ${error.message}`, { cause })
  const code = codeOf(error)
  if (isCertificateError(code))
    return new BrokerError('target_refused', `the server's certificate is not accepted: ${certificateWords(code)}`, { cause })
  return new BrokerError('target_unreachable', `cannot reach the database server: ${code || 'no answer in time'}`, { cause })
}

export const wrongPassword = '28P01'
const states = new WeakMap<BrokerError, string>()

/** The five characters behind a refused login. */
export const stateOf = (error: BrokerError): string | undefined => states.get(error)

function answered(error: DatabaseError, secrets: readonly string[], cause: Error): BrokerError {
  const refusal = new BrokerError('target_refused', refusalText(error, secrets), { cause })
  if (error.code) states.set(refusal, error.code)
  return refusal
}

/** Code and first line, as far as they hold no secret and no address. `detail`, `where` and `internalQuery` quote rows and statements. */
export function refusalText(error: DatabaseError, secrets: readonly string[]): string {
  const line = withoutAddresses(masked(error.message.split('\n')[0] ?? '', secrets))
  return `the server refused: ${error.code ?? ''} ${line.slice(0, shownMax)}`
}

export function masked(text: string, secrets: readonly string[]): string {
  return secrets.filter(secret => secret.length > 2).reduce((rest, secret) => rest.replaceAll(secret, () => '[secret]'), text)
}

const withoutAddresses = (text: string): string =>
  text
    .replaceAll(/\b\d{1,3}(\.\d{1,3}){3}\b/g, '[address]')
    .replaceAll(/(?<![\w:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])/g, '[address]')

/** For the log. An error of the library carries pieces of the statement that failed, and with them what was put into it. */
function cleanCause(error: unknown, secrets: readonly string[]): Error {
  const { detail, hint } = error instanceof DatabaseError ? error : {}
  const text = [codeOf(error), messageOf(error), detail, hint].filter(Boolean).join('; ')
  return new Error(masked(text, secrets).slice(0, causeMax))
}

function lostText(lost: ErrorCode, error: unknown): string {
  const what = lost === 'target_silent' ? 'the outcome is unknown, the server did not answer' : 'the connection to the server broke'
  return `${what}: ${error instanceof Misbehaviour ? error.message : codeOf(error) || 'no answer in time'}`
}

function certificateWords(code: string): string {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `${code} (the host is not a name on it)`
  return /SELF_SIGNED|UNABLE_TO/.test(code) ? `${code} (tls_ca: whom to trust in place of the system's authorities)` : code
}

function isCertificateError(code: string): boolean {
  return /^(CERT_|ERR_TLS_CERT|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|ERR_SSL_|ERR_OSSL)/.test(code)
}

function codeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null)?.code
  return typeof code === 'string' && /^[A-Z0-9_]{2,60}$/.test(code) ? code : ''
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

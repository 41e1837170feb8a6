/** What AWS and its client say when a call fails, in our words. Its codes and sentences are for the caller, as on the wire; request, headers and signature never are. */
import { BrokerError } from 'mayfly/plugin'
import type { ErrorCode } from 'mayfly/plugin'

const messageCharsMax = 400

const throttling = new Set([
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'RequestLimitExceeded',
  'TooManyRequestsException',
  'RequestThrottled',
  'SlowDown'
])
// The root key itself: nothing can be issued nor revoked with it.
const rootRefused = new Set([
  'InvalidClientTokenId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'ExpiredTokenException',
  'UnrecognizedClientException',
  'InvalidAccessKeyId',
  'MissingAuthenticationToken',
  'RequestExpired',
  'OptInRequired'
])
// Refused before a byte of the request was sent.
const unsent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE'
])

const broken = new Set(['ECONNRESET', 'EPIPE'])

interface ServiceError {
  readonly name?: string
  readonly Code?: string
  readonly code?: string
  readonly message?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/** AWS's own code of a failed call: `NoSuchEntity`. Nothing when AWS did not answer. */
export function awsCode(error: unknown): string | undefined {
  const said = serviceError(error)
  if (said?.$metadata?.httpStatusCode === undefined) return undefined
  return said.Code ?? said.name?.replace(/Exception$/, '')
}

export const isMissing = (error: unknown): boolean => awsCode(error) === 'NoSuchEntity'
export const isThrottled = (error: unknown): boolean => throttling.has(awsCode(error) ?? '')
/** The root key does not work: every other call will fail alike. */
export const isRootRefused = (error: unknown): boolean => rootRefused.has(awsCode(error) ?? '')

/** Whether a call that failed so may be made again, where doing it twice is doing it once. */
export function mayRepeat(error: unknown): boolean {
  const said = serviceError(error)
  const status = said?.$metadata?.httpStatusCode
  // A connection that was kept may have been closed by the other side a moment ago.
  return isThrottled(error) || (status === undefined ? broken.has(said?.code ?? '') : status >= 500)
}

/** The failure of a call in the terms of the broker. What is no failure of a call stays what it is. */
export function toBrokerError(service: 'IAM' | 'STS', error: unknown, signal?: AbortSignal): BrokerError {
  if (error instanceof BrokerError) return error
  const said = serviceError(error)
  const status = said?.$metadata?.httpStatusCode
  const fault = (code: ErrorCode, message: string) => new BrokerError(code, message, { cause: error })
  if (status === undefined) {
    if (unsent.has(said?.code ?? '')) return fault('target_unreachable', `cannot reach ${service}: ${said?.code}`)
    return fault('target_silent', signal?.aborted ? `${service} gave no answer in time` : `${service} gave no answer`)
  }
  const code = awsCode(error) ?? 'unknown'
  if (isThrottled(error)) return fault('target_rate_limited', `${service} takes no more calls of this account for now: ${code}`)
  if (status >= 500) return fault('target_silent', `${service} failed: ${status} ${code}`)
  if (code === 'LimitExceeded') return fault('quota_exceeded', sentence(code, said))
  return fault('target_refused', sentence(code, said))
}

/** The same with what was being done in front, as a caller of the wire reads it: a refusal of AWS is for whoever wrote the role. */
export function saying(what: string, error: unknown): unknown {
  if (!(error instanceof BrokerError)) return error
  const code = error.code === 'target_refused' && !isRootRefused(error) ? 'invalid_request' : error.code
  return new BrokerError(code, `${what}: ${error.message}`, { cause: error.cause })
}

function sentence(code: string, said: ServiceError | undefined): string {
  const text = (said?.message ?? '').replaceAll(/\p{Cc}+/gu, ' ').slice(0, messageCharsMax)
  return text === '' ? code : `${code}: ${text}`
}

/** Ours wrap that of AWS's client. */
function serviceError(error: unknown): ServiceError | undefined {
  const inner = error instanceof BrokerError ? error.cause : error
  return typeof inner === 'object' && inner !== null ? inner : undefined
}

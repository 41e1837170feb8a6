/** Every way a request can fail on purpose, with the HTTP status of its family. Codes stay inside (logs, metrics, audit); the wire shows the message.
 *
 * refusal: the caller can act on it. fault: something that Mayfly leans on failed; the cause goes to the log only, because driver messages quote
 * SQL, hosts and sometimes passwords. Anything that is no BrokerError is a bug: 500 `internal error`. */
export const errorStatus = {
  // refusals
  invalid_request: 400,
  invalid_credentials: 400,
  invalid_lease: 400,
  unknown_role: 400,
  invalid_wrapping_token: 400,
  permission_denied: 403,
  nothing_there: 404,
  no_route: 404,
  unsupported_operation: 405,
  conflict: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  quota_exceeded: 429,
  // Nobody is left to read it. What was made for the caller is revoked.
  caller_gone: 499,
  // faults
  target_refused: 500,
  target_unreachable: 500,
  // The outcome is *unknown*, not failed: the lease goes to revoking and the handle is never used again.
  target_silent: 500,
  target_rate_limited: 502,
  store_unreachable: 500,
  audit_unreachable: 500,
  clock_suspect: 500,
  integrity: 500,
  // The store is not where it was: only reads, until an operator resumes it.
  held: 503,
  sealed: 503
} as const satisfies Record<string, number>

export type ErrorCode = keyof typeof errorStatus

/** `message`: lower case, no full stop, what and where, never a secret: `no role readonly at database/`. It reaches the caller; `cause` never does. */
export class BrokerError extends Error {
  readonly code: ErrorCode
  /** Seconds after which a repeat makes sense; becomes `Retry-After`. */
  readonly retryAfter: number | undefined

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; retryAfter?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'BrokerError'
    this.code = code
    this.retryAfter = options.retryAfter
  }
}

/** The compiler's proof that a `switch` covers everything; at run time a bug, and so a refusal. */
export function unhandled(value: never): never {
  throw new Error(`unhandled case: ${String(value)}`)
}

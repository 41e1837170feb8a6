/** How a request can end other than well, as classes by meaning. A caller branches by `instanceof`, never by the text. */

/** Whatever a request ends with. */
export class ClientError extends Error {}

export type WhyUnreachable = 'refused' | 'unknown host' | 'untrusted certificate' | 'no TLS' | 'silent' | 'broken' | 'cut short'

/** No reply, or (`cut short`) not the whole of one. Whether the server acted on the request is not known, unless `why` is `refused`, `unknown host` or `untrusted certificate`. */
export class Unreachable extends ClientError {
  readonly why: WhyUnreachable
  readonly address: string

  constructor(why: WhyUnreachable, address: string, cause?: unknown) {
    super(`no reply from ${address}: ${why}`, { cause })
    this.why = why
    this.address = address
  }
}

/** A reply that is none of this API: another kind of server, or one that is broken. */
export class NotUnderstood extends ClientError {}

/** The server answered that it did not do it. `texts` are the server's own words. */
export class Refused extends ClientError {
  readonly status: number
  readonly texts: readonly string[]
  /** What was asked for. */
  readonly path: string

  constructor(path: string, status: number, texts: readonly string[]) {
    super(texts.join('; ') || `status ${status}`)
    this.path = path
    this.status = status
    this.texts = texts
  }
}

/** No token, a wrong or an expired one, or a policy that says no. Which of them is never told. */
export class Denied extends Refused {}

/** Nothing lives at this path. */
export class NothingThere extends Refused {}

export class Sealed extends Refused {}

/** The lease is over, or never was; its credential is to be replaced. */
export class LeaseLost extends Refused {}

/** The time of a credential is over, and no other could be had. */
export class CredentialEnded extends ClientError {}

/** Too many requests, or too many leases. */
export class TooMany extends Refused {
  /** Seconds after which a repeat makes sense. */
  readonly retryAfter: number | undefined

  constructor(path: string, status: number, texts: readonly string[], retryAfter: number | undefined) {
    super(path, status, texts)
    this.retryAfter = retryAfter
  }
}

/** What goes through the one door: a request as the listener parsed it, and the reply before it becomes bytes. */
import type { Answer, JsonObject, Secret } from '../../contracts/index.ts'
import type { Token } from '../../store/token.ts'
import type { Acl } from '../../policy/acl.ts'

export interface WireRequest {
  /** Ours, a UUID; never the client's. */
  readonly id: string
  readonly operation: 'read' | 'write' | 'patch' | 'delete' | 'list'
  /** Below `/v1/`, decoded once, runs of slashes collapsed; no `.` or `..`, no encoded slash, no control character. No slash at the end, lists included. */
  readonly path: string
  /** Fields of the body, or of the query where there is no body. Numbers beyond 2^53 are refused before. */
  readonly data: JsonObject
  readonly token: string | undefined
  readonly remoteAddress: string
  readonly remotePort: number
  readonly userAgent: string | undefined
  /** For how long the reply shall wait for its one opening; absent or 0: it is not wrapped. */
  readonly wrapSeconds?: number
  /** Aborts when the client has gone. */
  readonly gone: AbortSignal
}

/** Who asks. */
export interface Identity {
  /** `null` only on an open path that was asked without a token. */
  readonly token: Token | null
  readonly acl: Acl
}

/** A reply of the door. What may be secret is a `Secret`; only `http/wire` reveals it. */
export interface Reply {
  readonly requestId: string
  readonly status: 200 | 202 | 204
  readonly lease?: { readonly id: string; readonly renewable: boolean; readonly seconds: number }
  readonly data?: JsonObject | Secret<JsonObject>
  readonly auth?: Secret<Auth>
  readonly warnings?: readonly string[]
  /** Fields that nobody knows, where no body can say so. */
  readonly ignored?: readonly string[]
  readonly raw?: { readonly body: Uint8Array; readonly type: string; readonly etag?: string }
  readonly stream?: Streamed
  /** In the place of the reply itself, which waits under this token. */
  readonly wrapInfo?: Secret<WrapInfo>
}

/** The `wrap_info` block of the wire, key by key. */
export interface WrapInfo {
  readonly token: string
  readonly accessor: string
  readonly ttl: number
  readonly creation_time: string
  readonly creation_path: string
  readonly wrapped_accessor?: string
}

/** A body too large to be held. It is disposed of whether it went out or not. */
export interface Streamed extends AsyncDisposable {
  readonly type: string
  chunks(): AsyncIterable<Uint8Array>
}

/** The `auth` block of the wire, key by key. */
export interface Auth {
  readonly client_token: string
  readonly accessor: string
  readonly policies: readonly string[]
  readonly token_policies: readonly string[]
  readonly metadata: Readonly<Record<string, string>> | null
  readonly lease_duration: number
  readonly renewable: boolean
  readonly entity_id: string
  readonly token_type: 'service' | 'batch'
  readonly orphan: boolean
  readonly mfa_requirement: null
  readonly num_uses: number
}

/** What a core operation (sys, auth/token) answers: as a backend does, or with a token, a renewed lease, a status of its own. `wait` runs between two commits:
 *  the changes with the request's entry before it, the response's entry after it. */
export type Outcome =
  | Exclude<Answer, { issue: unknown } | { after: unknown } | { revoke: unknown }>
  /** All of it is secret. */
  | { readonly data: Secret<JsonObject>; readonly warnings?: readonly string[] }
  | { readonly auth: Secret<Auth>; readonly warnings?: readonly string[] }
  | {
      readonly lease: { readonly id: string; readonly renewable: boolean; readonly seconds: number }
      readonly warnings?: readonly string[]
    }
  | { readonly status: 202; readonly data?: JsonObject; readonly warnings?: readonly string[] }
  /** Said before, word for word: what was wrapped and is opened now. */
  | { readonly reply: Omit<Reply, 'requestId'> }
  | { readonly stream: Streamed }
  | { readonly wait: () => Promise<Outcome> }

/** A client of the HTTP API: one method, the wire's own shapes, errors by meaning. It works against every server that speaks this API, and repeats nothing by itself: a
 *  read may issue a credential. */
import http from 'node:http'
import https from 'node:https'
import { BrokerError } from '../contracts/errors.ts'
import type { Json, JsonObject } from '../contracts/json.ts'
import { NotUnderstood } from './client-error.ts'
import { download } from './download.ts'
import { emptyEnvelope, toEnvelope } from './envelope.ts'
import type { Envelope } from './envelope.ts'
import { exchange } from './exchange.ts'
import type { Answered } from './exchange.ts'
import { fetched } from './fetched.ts'
import { ignoredFields } from './ignored-fields.ts'
import { nestedDeeper } from './nested-deeper.ts'
import { refusal } from './refusal.ts'
import { requestTarget } from './request-target.ts'

export interface ClientOptions {
  /** `http://127.0.0.1:8200`; a path behind the host is where the API begins. */
  readonly address: string
  readonly token?: string
  /** PEM: the only authorities that are trusted. Without it, those of the system. */
  readonly ca?: string
  /** PEM: what the client shows of itself, where the listener asks. */
  readonly cert?: string
  readonly key?: string
  /** Sends the requests in the place of Node's own client: where there is none, or for a proxy. `ca`, `cert` and `key` are then its own matter. */
  readonly fetch?: typeof fetch
}

export type Method = 'GET' | 'LIST' | 'POST' | 'PUT' | 'DELETE'

export interface RequestOptions {
  readonly timeoutMs?: number
  /** The reply waits for its one opening this long, and what comes is `wrap_info`: `5m`, or seconds. */
  readonly wrapTtl?: string
  /** Another token than the client's own; an empty one sends none. */
  readonly token?: string
  /** Gives the request up. What it asked for may have been done. */
  readonly signal?: AbortSignal
}

// As other clients of this API. A synchronous revoke waits 20 s on the server's side.
const timeoutMsDefault = 60_000

export class Client implements Disposable {
  readonly #address: URL
  readonly #agent: http.Agent
  readonly #token: string | undefined
  readonly #fetch: typeof fetch | undefined

  constructor({ address, token, ca, cert, key, fetch }: ClientOptions) {
    this.#address = parseAddress(address)
    this.#fetch = fetch
    this.#token = token === undefined ? undefined : checkToken(token)
    const identity = { ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) }
    // Said aloud, because an environment variable of Node's could switch it off.
    const tls = { ...identity, rejectUnauthorized: true }
    this.#agent = this.#address.protocol === 'https:' ? new https.Agent({ keepAlive: true, ...tls }) : new http.Agent({ keepAlive: true })
  }

  get address(): string {
    return this.#address.href.replace(/\/$/, '')
  }

  /** `fields` travel in the query of a `GET`, `LIST` and `DELETE`, else in the body. Rejects with a `ClientError`. */
  async request(method: Method, path: string, fields?: JsonObject, options: RequestOptions = {}): Promise<Envelope> {
    const inQuery = method === 'GET' || method === 'LIST' || method === 'DELETE'
    const body = inQuery || fields === undefined ? undefined : JSON.stringify(fields)
    const send = this.#fetch === undefined ? exchange : fetched(this.#fetch)
    const answered = await send({
      address: this.#address,
      agent: this.#agent,
      // The verb LIST is not understood everywhere; its other spelling is.
      method: method === 'LIST' ? 'GET' : method,
      target: requestTarget(this.#address, path, { ...(inQuery ? fields : {}), ...(method === 'LIST' ? { list: true } : {}) }),
      headers: this.#headers(body, options.token === undefined ? this.#token : checkToken(options.token), options.wrapTtl),
      body,
      timeoutMs: options.timeoutMs ?? timeoutMsDefault,
      signal: options.signal
    })
    if (answered.status < 200 || answered.status > 299) throw refusal(path, answered)
    return envelopeOf(answered)
  }

  /** The body of a reply that is no JSON, however long, as it comes. Rejects with a `ClientError`. */
  async download(path: string): Promise<AsyncIterable<Uint8Array>> {
    const downloaded = await download({
      address: this.#address,
      agent: this.#agent,
      method: 'GET',
      target: requestTarget(this.#address, path, {}),
      headers: this.#headers(undefined, this.#token, undefined)
    })
    if ('refused' in downloaded) throw refusal(path, downloaded.refused)
    return downloaded.body
  }

  #headers(body: string | undefined, token: string | undefined, wrapTtl: string | undefined): Readonly<Record<string, string>> {
    return {
      'user-agent': 'mayfly',
      accept: 'application/json',
      'x-vault-request': 'true',
      ...(token === undefined ? {} : { 'x-vault-token': token }),
      ...(wrapTtl === undefined ? {} : { 'x-vault-wrap-ttl': checkDuration(wrapTtl) }),
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) })
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}

function parseAddress(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.search !== '' || url.hash !== '')
    throw new BrokerError('invalid_request', 'address: expected a URL such as http://127.0.0.1:8200')
  if (url.username !== '' || url.password !== '')
    throw new BrokerError('invalid_request', 'address: a user name or a password is not taken')
  // Who has the API in mind writes its prefix too, and would be told of paths that nobody typed.
  if (/\/v1\/?$/.test(url.pathname))
    throw new BrokerError('invalid_request', 'address: expected without /v1, such as http://127.0.0.1:8200')
  return url
}

/** What it means is the server's to say; here it only must fit into a header. */
function checkDuration(text: string): string {
  if (!/^[\w.]{1,32}$/.test(text)) throw new BrokerError('invalid_request', 'wrap TTL: expected seconds, or text such as "5m"')
  return text
}

/** What no header can carry would fail deep inside with the token in the message. */
function checkToken(token: string): string | undefined {
  if (token === '') return undefined
  if (!/^[\x21-\x7e]{1,4096}$/.test(token)) throw new BrokerError('invalid_request', 'token: has a character that no token has')
  return token
}

// Whoever shows or walks a reply may recurse.
const levelsMax = 100

function envelopeOf({ status, headers, text }: Answered): Envelope {
  if (text.trim() === '') return { ...emptyEnvelope, warnings: ignoredFields(headers) }
  let body: Json
  try {
    body = JSON.parse(text) as Json
  } catch {
    throw new NotUnderstood(`the reply (status ${status}) is no JSON`)
  }
  if (nestedDeeper(body, levelsMax)) throw new NotUnderstood('the reply is nested deeper than any of this API')
  return toEnvelope(body)
}

import { Denied } from './client-error.ts'
import type { Client, Method, RequestOptions } from './client.ts'
import type { Envelope } from './envelope.ts'
import { Kept } from './kept.ts'
import type { Keeping } from './kept.ts'
import type { LoggedIn, Login } from './login.ts'
import { repeating } from './repeat.ts'
import type { Moment, Timing } from './timing.ts'
import type { JsonObject } from '../contracts/json.ts'

export interface SessionParts {
  readonly client: Client
  readonly login: Login
  readonly timing: Timing
  trouble(what: 'renew' | 'replace', error: unknown, ends: Moment): void
}

// A policy that says no, asked in a loop, must not become a login in a loop.
const loginMsMin = 5_000

/** Whoever speaks to the server, for as long as it takes: logs in when needed, renews the token, logs in again when it has ended. */
export class Session {
  readonly #parts: SessionParts
  readonly #stop = new AbortController()
  readonly #listeners = new Set<() => void>()
  #kept: Promise<Kept<LoggedIn>> | undefined
  #current: string | undefined
  #loggedInAt = -Infinity
  #keeps = false
  /** Tokens whose end was asked for. */
  readonly #timed = new Set<string>()

  constructor(parts: SessionParts) {
    this.#parts = parts
  }

  /** The token in use, where there is one yet. */
  get current(): string | undefined {
    return this.#current
  }

  /** The token to use now. */
  async token(): Promise<string> {
    const kept = await this.#open()
    if (kept.over) await kept.replace()
    return kept.current.value.token
  }

  /** From here on the token's end is known and the token kept: leases hang on it. */
  async keep(): Promise<void> {
    this.#keeps = true
    const kept = await this.#open()
    const { value } = kept.current
    if (value.seconds !== undefined || this.#timed.has(value.token)) return
    const end = await this.#endOf(value, this.#stop.signal)
    if (kept.current.value === value) kept.retime(end)
  }

  /** Told when another token has taken over: what hangs on the old one ends with it. */
  onReplaced(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** With the session's token, and with a new one when the token has ended meanwhile; a request that was denied was not done. */
  async request(
    method: Method,
    path: string,
    fields?: JsonObject,
    options: RequestOptions = {},
    enough = options.signal
  ): Promise<Envelope & { readonly by: string }> {
    const signal = options.signal ?? this.#stop.signal
    // Not inside: a login repeats what is safe by itself.
    await this.token()
    return repeating(this.#parts.timing, method, enough ?? signal, async () => {
      const by = await this.token()
      try {
        return { ...(await this.#parts.client.request(method, path, fields, { ...options, token: by, signal })), by }
      } catch (error) {
        if (!(error instanceof Denied) || options.token !== undefined) throw error
        const next = await this.#tokenAfter(by, signal)
        if (next === by) throw error
        return { ...(await this.#parts.client.request(method, path, fields, { ...options, token: next, signal })), by: next }
      }
    })
  }

  /** Nothing is sent afterwards, but the end of a token that was made for this session. */
  async end(timeoutMs: number): Promise<void> {
    this.#stop.abort()
    const kept = await this.#kept?.catch(() => undefined)
    await kept?.stop()
    if (kept?.current.value.own !== true || kept.over) return
    await this.#parts.client.request('PUT', 'auth/token/revoke-self', {}, { token: kept.current.value.token, timeoutMs })
  }

  #open(): Promise<Kept<LoggedIn>> {
    this.#kept ??= Kept.open(this.#keeping(), this.#parts.timing, this.#stop.signal).catch((error: unknown) => {
      this.#kept = undefined
      throw error
    })
    return this.#kept
  }

  #keeping(): Keeping<LoggedIn> {
    const { client, login } = this.#parts
    return {
      replaceable: true,
      obtain: async signal => {
        const value = await repeating(this.#parts.timing, 'POST', signal, () => login.logIn(client, signal))
        this.#current = value.token
        this.#loggedInAt = this.#parts.timing.steady()
        return { value, ...(this.#keeps ? await this.#endOf(value, signal) : { seconds: value.seconds ?? 0, renewable: value.renewable }) }
      },
      renew: async ({ token }, seconds, signal) => {
        const { auth } = await client.request('POST', 'auth/token/renew-self', { increment: seconds }, { token, signal })
        return { seconds: auth?.lease_duration ?? 0, renewable: auth?.renewable ?? false }
      },
      replaced: (next, before) => {
        if (next.token === before.value.token) return
        for (const listener of this.#listeners) listener()
      },
      trouble: (what, error, ends) => this.#parts.trouble(what, error, ends),
      capped: () => undefined
    }
  }

  /** The token that is valid now, after one was refused. */
  async #tokenAfter(refused: string, signal: AbortSignal): Promise<string> {
    const kept = await this.#open()
    const current = () => kept.current.value.token
    if (current() !== refused || this.#parts.timing.steady() - this.#loggedInAt < loginMsMin) return current()
    if (!(await this.#isDead(refused, signal))) return refused
    await kept.replace()
    return current()
  }

  async #isDead(token: string, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#parts.client.request('GET', 'auth/token/lookup-self', {}, { token, signal })
      return false
    } catch (error) {
      return error instanceof Denied
    }
  }

  /** As the login said, else as the server says. A token that may not look at itself is used until it is refused. */
  async #endOf({ token, seconds, renewable }: LoggedIn, signal: AbortSignal): Promise<{ seconds: number; renewable: boolean }> {
    if (seconds !== undefined) return { seconds, renewable }
    this.#timed.add(token)
    try {
      const look = () => this.#parts.client.request('GET', 'auth/token/lookup-self', {}, { token, signal })
      const { data } = await repeating(this.#parts.timing, 'GET', signal, look)
      return { seconds: typeof data?.['ttl'] === 'number' ? data['ttl'] : 0, renewable: data?.['renewable'] === true }
    } catch (error) {
      if (error instanceof Denied) return { seconds: 0, renewable: false }
      this.#timed.delete(token)
      throw error
    }
  }
}

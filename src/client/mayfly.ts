/** The client of an application: it logs in by itself, repeats what is safe to repeat, and holds credentials for as long as they are used.
 *
 *  ```ts
 *  await using mayfly = new Mayfly({ address: 'https://mayfly.example.com:8200', login: appRole({ roleId, secretId }) })
 *  await using db = await mayfly.lease<{ username: string; password: string }>('database/creds/readonly')
 *  connect(db.current().reveal())
 *  ``` */
import { BrokerError } from '../contracts/errors.ts'
import { NothingThere } from './client-error.ts'
import { Client } from './client.ts'
import type { ClientOptions } from './client.ts'
import { HeldLease } from './held-lease.ts'
import type { LeaseOptions } from './held-lease.ts'
import type { Login } from './login.ts'
import { Reply } from './reply.ts'
import { Session } from './session.ts'
import { systemTiming } from './timing.ts'
import type { Timing } from './timing.ts'
import type { JsonObject } from '../contracts/json.ts'

export interface MayflyOptions extends Omit<ClientOptions, 'token'> {
  readonly login: Login
  /** What went wrong with the token and is being tried again, for a log. Never a secret. */
  readonly onTrouble?: (trouble: { readonly what: 'renew' | 'replace'; readonly error: unknown; readonly endsAt: Date }) => void
  readonly timing?: Timing
}

const endMsMax = 5_000

export class Mayfly implements AsyncDisposable {
  readonly #client: Client
  readonly #session: Session
  readonly #timing: Timing
  readonly #leases = new Set<{ release(timeoutMs?: number): Promise<void> }>()
  /** Leases on their way. */
  readonly #opening = new Set<Promise<unknown>>()
  readonly #giveUp = new AbortController()
  #closed = false

  constructor({ login, onTrouble, timing = systemTiming, ...connection }: MayflyOptions) {
    this.#client = new Client(connection)
    this.#timing = timing
    this.#session = new Session({
      client: this.#client,
      login,
      timing,
      trouble: (what, error, ends) => onTrouble?.({ what, error, endsAt: new Date(ends.wall) })
    })
  }

  /** Rejects with `NothingThere` where nothing lives. Below `creds/` this issues a credential that nobody renews: `lease` is for those. */
  async read<Data = JsonObject>(path: string, fields?: JsonObject): Promise<Reply<Data>> {
    return new Reply<Data>(await this.#session.request('GET', path, fields))
  }

  async write<Data = JsonObject>(path: string, fields: JsonObject = {}): Promise<Reply<Data>> {
    return new Reply<Data>(await this.#session.request('POST', path, fields))
  }

  /** The keys below a path; none where nothing lives. */
  async list(path: string, fields?: JsonObject): Promise<readonly string[]> {
    try {
      const keys = (await this.#session.request('LIST', path, fields)).data?.['keys']
      return Array.isArray(keys) ? keys.map(String) : []
    } catch (error) {
      if (error instanceof NothingThere) return []
      throw error
    }
  }

  async delete(path: string): Promise<void> {
    await this.#session.request('DELETE', path)
  }

  /** Issues a credential and holds it until it is released: `await using`, or `release()`. */
  async lease<Fields = JsonObject>(path: string, options: LeaseOptions<Fields> = {}): Promise<HeldLease<Fields>> {
    if (this.#closed) throw closed()
    const opening = this.#open(path, options)
    this.#opening.add(opening)
    try {
      return await opening
    } finally {
      this.#opening.delete(opening)
    }
  }

  /** Revokes every lease that is held or on its way, and the token where a login made it. Rejects with the first `ClientError`; everything then ends by its own time. */
  async close(timeoutMs?: number): Promise<void> {
    this.#closed = true
    const released = [...this.#leases].map(lease => lease.release(timeoutMs))
    const [, ...outcomes] = await Promise.allSettled([this.#allOpened(), ...released])
    outcomes.push(...(await Promise.allSettled([this.#session.end(endMsMax)])))
    this.#client[Symbol.dispose]()
    const failed = outcomes.find(outcome => outcome.status === 'rejected')
    if (failed) throw failed.reason
  }

  /** Whoever closed the client meanwhile does not know of this one: it is let go at once. */
  async #open<Fields>(path: string, options: LeaseOptions<Fields>): Promise<HeldLease<Fields>> {
    const parts = { client: this.#client, session: this.#session, timing: this.#timing, released: () => void this.#leases.delete(lease) }
    const signal = options.signal === undefined ? this.#giveUp.signal : AbortSignal.any([options.signal, this.#giveUp.signal])
    const lease: HeldLease<Fields> = await HeldLease.open<Fields>(path, parts, { ...options, signal })
    this.#leases.add(lease)
    if (!this.#closed) return lease
    await lease.release()
    throw closed()
  }

  /** What is on its way is waited for, because it has to be revoked; not for ever. */
  async #allOpened(): Promise<void> {
    const { signal } = this.#giveUp
    const timer = setTimeout(() => this.#giveUp.abort(), endMsMax)
    await Promise.race([Promise.allSettled(this.#opening), new Promise(resolve => signal.addEventListener('abort', resolve))])
    clearTimeout(timer)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // What failed was told by its lease, and ends by its own time.
    await this.close().catch(() => undefined)
  }
}

function closed(): BrokerError {
  return new BrokerError('invalid_request', 'this client is closed')
}

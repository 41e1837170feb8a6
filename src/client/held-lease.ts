import { CredentialEnded, Denied, LeaseLost, NotUnderstood, Refused } from './client-error.ts'
import type { Client } from './client.ts'
import { Credential } from './credential.ts'
import type { Envelope } from './envelope.ts'
import { Kept } from './kept.ts'
import type { Held, Keeping } from './kept.ts'
import { repeating } from './repeat.ts'
import type { Session } from './session.ts'
import { msUntil } from './timing.ts'
import type { Moment, Timing } from './timing.ts'
import type { JsonObject } from '../contracts/json.ts'

export interface LeaseOptions<Fields> {
  /** Sent with the question: `{ ttl: '15m' }` where a backend takes it. */
  readonly fields?: JsonObject
  /** Seconds that each renewal asks for. Short, and the credential dies soon after its holder; long, and it survives a longer absence of the broker. Default: what it was issued with. */
  readonly seconds?: number
  /** A new credential takes over while the old one still works. The old one is revoked when this is done, at the latest at its own end. Without it: after `overlapMs`. */
  readonly onCredential?: (next: Credential<Fields>, before: Credential<Fields>) => void | Promise<void>
  /** How long the old credential stays when nobody says that it was handed over. Default: 30 s. */
  readonly overlapMs?: number
  /** Gives up while the first one is being issued. What was made by then is revoked. */
  readonly signal?: AbortSignal
  /** `false`: it is renewed while that helps, then it ends. */
  readonly replace?: boolean
  /** What went wrong and is being tried again, for a log. Never a secret. */
  readonly onTrouble?: (trouble: Trouble) => void
  /** No renewal reaches further than this moment. */
  readonly onLastEnd?: (endsAt: Date) => void
}

export interface Trouble {
  readonly what: 'renew' | 'replace' | 'hand over' | 'revoke'
  readonly error: unknown
  /** When the credential in use ends. */
  readonly endsAt: Date
}

interface Issued<Fields> {
  readonly credential: Credential<Fields>
  /** Whose lease it is. */
  readonly token: string
  /** Of one that was replaced. */
  ends?: Moment
}

export interface LeaseParts {
  readonly client: Client
  readonly session: Session
  readonly timing: Timing
  released(): void
}

const overlapMsDefault = 30_000
// A synchronous revoke answers within 20 s.
const revokeMsMax = 25_000

/** A credential that its holder need not think about: renewed, replaced before no renewal helps, revoked at the end. */
export class HeldLease<Fields = JsonObject> implements AsyncDisposable {
  readonly path: string
  readonly #parts: LeaseParts
  readonly #options: LeaseOptions<Fields>
  readonly #stop = new AbortController()
  /** Everything that was issued and is not known to be over. */
  readonly #open = new Set<Issued<Fields>>()
  readonly #waiting = new Set<() => void>()
  #kept!: Kept<Issued<Fields>>
  #unsubscribe: () => void = () => undefined
  #released: Promise<void> | undefined

  private constructor(path: string, parts: LeaseParts, options: LeaseOptions<Fields>) {
    this.path = path
    this.#parts = parts
    this.#options = options
  }

  static async open<Fields>(path: string, parts: LeaseParts, options: LeaseOptions<Fields>): Promise<HeldLease<Fields>> {
    const held = new HeldLease(path, parts, options)
    await parts.session.keep()
    held.#kept = await Kept.open(held.#keeping(), parts.timing, options.signal ?? held.#stop.signal)
    // One that is not to be replaced lives on with its old token, as long as that one does.
    if (options.replace !== false) held.#unsubscribe = parts.session.onReplaced(() => held.#kept.expire())
    if (options.signal?.aborted !== true) return held
    await held.release()
    throw options.signal.reason
  }

  /** What is valid now. Throws `CredentialEnded` when its time is over and no other could be had yet. */
  current(): Credential<Fields> {
    if (this.#kept.over) throw new CredentialEnded(`the credential of ${this.path} has ended`)
    return this.#kept.current.value.credential
  }

  /** When the credential ends, or ended, unless it is renewed. */
  get endsAt(): Date {
    return new Date(this.#kept.current.ends.wall)
  }

  /** The credential, and each that takes its place; ends when the lease is released. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Credential<Fields>, void, undefined> {
    let seen: Credential<Fields> | undefined
    while (!this.#stop.signal.aborted) {
      const { credential } = this.#kept.current.value
      if (credential === seen) await new Promise<void>(resolve => this.#waiting.add(resolve))
      else yield (seen = credential)
    }
  }

  /** Revokes what is still there, and waits for it. Rejects with a `ClientError` when that is not certain; the lease then ends by its own time. */
  release(timeoutMs = revokeMsMax): Promise<void> {
    return (this.#released ??= this.#release(timeoutMs))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release().catch((error: unknown) => this.#trouble('revoke', error, this.#kept.current.ends))
  }

  async #release(timeoutMs: number): Promise<void> {
    this.#unsubscribe()
    this.#stop.abort()
    await this.#kept.stop()
    this.#tellWaiting()
    const outcomes = await Promise.allSettled([...this.#open].map(issued => this.#revoke(issued, timeoutMs)))
    this.#parts.released()
    const failed = outcomes.find(outcome => outcome.status === 'rejected')
    if (failed) throw failed.reason
  }

  #keeping(): Keeping<Issued<Fields>> {
    return {
      replaceable: this.#options.replace !== false,
      obtain: (signal, enough) => this.#obtain(signal, enough),
      renew: (issued, seconds, signal) => this.#renew(issued, seconds, signal),
      replaced: (next, before) => void this.#handOver(next, before),
      trouble: (what, error, ends) => this.#trouble(what, error, ends),
      capped: ends => this.#options.onLastEnd?.(new Date(ends.wall))
    }
  }

  async #obtain(signal: AbortSignal, enough: AbortSignal) {
    const reply = await this.#parts.session.request('GET', this.path, this.#options.fields, { signal }, enough)
    if (reply.lease_id === '') throw new NotUnderstood(`the reply of ${this.path} has no lease: it is no credential that ends`)
    const issued: Issued<Fields> = {
      token: reply.by,
      credential: new Credential(reply.lease_id, reply.data as Fields, () => new Date((issued.ends ?? this.#kept.current.ends).wall))
    }
    this.#open.add(issued)
    const seconds = this.#options.seconds
    if (seconds === undefined || seconds >= reply.lease_duration || !reply.renewable) return granted(issued, reply)
    // Shortened at once: from now on it dies soon after its holder. As it was issued it is good, too.
    const shorter = await this.#renew(issued, seconds, signal).catch(() => undefined)
    return shorter === undefined ? granted(issued, reply) : { value: issued, ...shorter }
  }

  async #renew({ credential, token }: Issued<Fields>, seconds: number, signal: AbortSignal) {
    const fields = { lease_id: credential.leaseId, increment: seconds }
    try {
      const reply = await this.#parts.client.request('PUT', 'sys/leases/renew', fields, { token, signal })
      return { seconds: reply.lease_duration, renewable: reply.renewable }
    } catch (error) {
      if (error instanceof Refused && error.status === 400) throw new LeaseLost(error.path, error.status, error.texts)
      throw error
    }
  }

  async #handOver(next: Issued<Fields>, { value: old, ends }: Held<Issued<Fields>>): Promise<void> {
    old.ends = ends
    this.#tellWaiting()
    const done = new AbortController()
    try {
      await Promise.race([this.#handedOver(next, old, done.signal), this.#endOf(ends, done.signal)])
    } catch (error) {
      // Whoever still uses the old one keeps it until its end.
      return this.#trouble('hand over', error, this.#kept.current.ends)
    } finally {
      done.abort()
    }
    if (!this.#stop.signal.aborted) await this.#revoke(old, revokeMsMax).catch((error: unknown) => this.#trouble('revoke', error, ends))
  }

  async #handedOver(next: Issued<Fields>, old: Issued<Fields>, signal: AbortSignal): Promise<void> {
    const { onCredential, overlapMs = overlapMsDefault } = this.#options
    if (onCredential) await onCredential(next.credential, old.credential)
    else await this.#parts.timing.sleep(overlapMs, AbortSignal.any([signal, this.#stop.signal]), 'upkeep')
  }

  async #endOf(ends: Moment, signal: AbortSignal): Promise<void> {
    await this.#parts.timing.sleep(Math.max(0, msUntil(this.#parts.timing, ends)), AbortSignal.any([signal, this.#stop.signal]), 'upkeep')
  }

  async #revoke(issued: Issued<Fields>, timeoutMs: number): Promise<void> {
    const { client, session, timing } = this.#parts
    const fields = { lease_id: issued.credential.leaseId, sync: true }
    try {
      // As a DELETE: revoking twice is revoking.
      const signal = AbortSignal.timeout(timeoutMs)
      await repeating(timing, 'DELETE', signal, () =>
        client.request('PUT', 'sys/leases/revoke', fields, { token: issued.token, timeoutMs, signal })
      )
    } catch (error) {
      // A lease ends with its token.
      if (!(error instanceof Denied && issued.token !== session.current)) throw error
    }
    this.#open.delete(issued)
  }

  #tellWaiting(): void {
    for (const tell of this.#waiting) tell()
    this.#waiting.clear()
  }

  #trouble(what: Trouble['what'], error: unknown, ends: Moment): void {
    this.#options.onTrouble?.({ what, error, endsAt: new Date(ends.wall) })
  }
}

function granted<Fields>(value: Issued<Fields>, { lease_duration, renewable }: Envelope) {
  return { value, seconds: lease_duration, renewable }
}

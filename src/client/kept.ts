import { Denied, LeaseLost, TooMany } from './client-error.ts'
import { backoffMs, nextStep } from './keep-plan.ts'
import type { Step } from './keep-plan.ts'
import { momentIn, msUntil } from './timing.ts'
import type { Moment, Timing } from './timing.ts'

/** What was granted, and for how long. 0 seconds: it has no end. */
export interface Grant<T> {
  readonly value: T
  readonly seconds: number
  readonly renewable: boolean
}

export interface Keeping<T> {
  /** `signal` gives it up; once `enough` is aborted it is not tried again. */
  obtain(signal: AbortSignal, enough: AbortSignal): Promise<Grant<T>>
  /** Asks for `seconds` more. Rejects with `LeaseLost` or `Denied` when there is nothing left to renew. */
  renew(value: T, seconds: number, signal: AbortSignal): Promise<Omit<Grant<T>, 'value'>>
  /** A new one has taken its place. */
  replaced(value: T, before: Held<T>): void
  /** Whether a successor is wanted at all. Without it, it is renewed while that helps, and then ends. */
  readonly replaceable: boolean
  trouble(what: 'renew' | 'replace', error: unknown, ends: Moment): void
  /** No renewal reaches further than this. */
  capped(ends: Moment): void
}

export interface Held<T> {
  readonly value: T
  readonly ttlMs: number
  readonly ends: Moment
  readonly renewable: boolean
  readonly capped: boolean
  readonly last: boolean
  readonly chance: number
}

// A machine that slept, a process that was stopped: noticed when it wakes, at the latest after this.
const strideMs = 15_000
// What is on its way when nobody wants it any more is waited for, because it has to be revoked.
const stopMsMax = 5_000

// Of what was asked for: the rest is rounding.
const enoughShare = 0.9
const lastShare = 0.5

/** Something with an end, kept alive: renewed in time, replaced where no renewal reaches, through outages, until it is stopped. */
export class Kept<T> {
  readonly #keeping: Keeping<T>
  readonly #timing: Timing
  readonly #stop = new AbortController()
  readonly #giveUp = new AbortController()
  #held: Held<T>
  #failures = 0
  #notBefore = 0
  #overdue = false
  #wake = new AbortController()
  #replacing: Promise<void> | undefined
  readonly #ended: Promise<void>

  private constructor(keeping: Keeping<T>, timing: Timing, held: Held<T>) {
    this.#keeping = keeping
    this.#timing = timing
    this.#held = held
    this.#ended = this.#run()
  }

  static async open<T>(keeping: Keeping<T>, timing: Timing, signal: AbortSignal): Promise<Kept<T>> {
    // Counted from the question: the answer may have been on its way for long.
    const asked = momentIn(timing, 0)
    return new Kept(keeping, timing, heldOf(await keeping.obtain(signal, signal), timing, asked))
  }

  get current(): Held<T> {
    return this.#held
  }

  get over(): boolean {
    return this.#held.ttlMs > 0 && msUntil(this.#timing, this.#held.ends) <= 0
  }

  /** What its end is, where that was not known before. */
  retime(grant: Omit<Grant<T>, 'value'>): void {
    this.#held = heldOf({ ...grant, value: this.#held.value }, this.#timing, momentIn(this.#timing, 0))
    this.#wakeUp()
  }

  /** Its end is near for a reason that its own time does not show. */
  expire(): void {
    this.#overdue = true
    this.#notBefore = 0
    this.#wakeUp()
  }

  /** Gets the next one now; one at a time. */
  replace(): Promise<void> {
    return (this.#replacing ??= this.#obtain().finally(() => (this.#replacing = undefined)))
  }

  /** Nothing is obtained or renewed afterwards. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#wakeUp()
    const timer = setTimeout(() => this.#giveUp.abort(), stopMsMax)
    await this.#ended
    await this.#replacing?.catch(() => undefined)
    clearTimeout(timer)
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      const step = this.#step()
      if (step.inMs > 0) await this.#rest(step.inMs)
      else await this.#take(step)
    }
  }

  #step(): Step {
    const held = this.#held
    const step: Step | undefined = this.#overdue
      ? { act: 'replace', inMs: 0 }
      : nextStep({ ...held, leftMs: msUntil(this.#timing, held.ends) }, held.chance)
    if (!step || (step.act === 'replace' && !this.#keeping.replaceable)) return { act: 'replace', inMs: Infinity }
    return { ...step, inMs: Math.max(step.inMs, this.#notBefore - this.#timing.steady()) }
  }

  async #rest(milliseconds: number): Promise<void> {
    this.#wake = new AbortController()
    if (this.#stop.signal.aborted) return
    await this.#timing.sleep(Math.min(Math.ceil(milliseconds), strideMs), this.#wake.signal, 'upkeep')
  }

  #wakeUp(): void {
    this.#wake.abort()
  }

  async #take({ act }: Step): Promise<void> {
    try {
      if (act === 'replace') await this.replace()
      else await this.#renew(this.#held)
      this.#failures = 0
      this.#notBefore = 0
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#failed(act, error)
    }
  }

  #failed(act: Step['act'], error: unknown): void {
    this.#failures += 1
    const left = msUntil(this.#timing, this.#held.ends)
    const retryAfter = error instanceof TooMany ? error.retryAfter : undefined
    this.#notBefore = this.#timing.steady() + backoffMs(this.#failures, left, this.#timing.random(), retryAfter)
    this.#keeping.trouble(act, error, this.#held.ends)
  }

  async #renew(held: Held<T>): Promise<void> {
    const asked = momentIn(this.#timing, 0)
    try {
      const { seconds, renewable } = await this.#keeping.renew(held.value, Math.ceil(held.ttlMs / 1_000), this.#stop.signal)
      if (this.#held !== held) return
      const capped = seconds * 1_000 < held.ttlMs * enoughShare
      this.#held = { ...held, ends: later(asked, seconds), renewable, capped, chance: this.#timing.random() }
      if (capped) this.#keeping.capped(this.#held.ends)
    } catch (error) {
      if (!(error instanceof LeaseLost || error instanceof Denied) || this.#held !== held) throw error
      this.#keeping.trouble('renew', error, held.ends)
      if (this.#keeping.replaceable) this.#overdue = true
      else this.#held = { ...held, renewable: false, capped: true }
    }
  }

  async #obtain(): Promise<void> {
    const before = this.#held
    const asked = momentIn(this.#timing, 0)
    const grant = await this.#keeping.obtain(this.#giveUp.signal, this.#stop.signal)
    const next = heldOf(grant, this.#timing, asked)
    // Far less than the one before had: what is above it ends then, and the next would get less still.
    this.#held = { ...next, last: !before.last && next.ttlMs > 0 && next.ttlMs < before.ttlMs * lastShare }
    this.#overdue = false
    this.#keeping.replaced(grant.value, before)
    this.#wakeUp()
  }
}

function heldOf<T>({ value, seconds, renewable }: Grant<T>, timing: Timing, asked: Moment): Held<T> {
  const chance = timing.random()
  return { value, ttlMs: seconds * 1_000, ends: later(asked, seconds), renewable, capped: false, last: false, chance }
}

function later({ wall, steady }: Moment, seconds: number): Moment {
  return { wall: wall + seconds * 1_000, steady: steady + seconds * 1_000 }
}

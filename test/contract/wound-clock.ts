import type { Clock, Deadline } from '../../src/contracts/index.ts'

interface Waiter {
  readonly at: number
  wake(): void
}

/** A real clock that someone else winds: nothing passes by itself, and what waits wakes in its order when `advance` reaches it. */
export class WoundClock implements Clock {
  #wallMs: number
  #elapsedMs = 0
  readonly #waiters = new Set<Waiter>()

  constructor(start = '2026-11-22T21:00:00Z') {
    this.#wallMs = Temporal.Instant.from(start).epochMilliseconds
  }

  now(): Temporal.Instant {
    return Temporal.Instant.fromEpochMilliseconds(Math.floor(this.#wallMs))
  }

  elapsed(): number {
    return this.#elapsedMs
  }

  /** How many sleeps and deadlines wait. */
  get waiting(): number {
    return this.#waiters.size
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter = this.#wait(milliseconds, resolve)
    const aborted = () => {
      this.#waiters.delete(waiter)
      reject(signal?.reason as Error)
    }
    signal?.addEventListener('abort', aborted, { once: true })
    await promise
    signal?.removeEventListener('abort', aborted)
  }

  within(milliseconds: number, outer?: AbortSignal): Deadline {
    const controller = new AbortController()
    const waiter = this.#wait(milliseconds, () => controller.abort(new DOMException('the deadline has passed', 'TimeoutError')))
    const forward = () => controller.abort(outer?.reason)
    if (outer?.aborted) forward()
    else outer?.addEventListener('abort', forward, { once: true })
    return {
      signal: controller.signal,
      [Symbol.dispose]: () => {
        this.#waiters.delete(waiter)
        outer?.removeEventListener('abort', forward)
      }
    }
  }

  /** Lets time pass, waking what waits one by one, so that work of an earlier moment is done before a later one comes. */
  async advance(duration: Temporal.DurationLike | string): Promise<void> {
    // What was begun before has its turn first.
    await new Promise(setImmediate)
    const end = this.#elapsedMs + Temporal.Duration.from(duration).total('milliseconds')
    for (let next = this.#nextUntil(end); next; next = this.#nextUntil(end)) {
      this.#pass(next.at - this.#elapsedMs)
      this.#waiters.delete(next)
      next.wake()
      await new Promise(setImmediate)
    }
    this.#pass(end - this.#elapsedMs)
    await new Promise(setImmediate)
  }

  /** Steps the wall clock alone, as a wrong host clock does. */
  step(duration: Temporal.DurationLike | string): void {
    this.#wallMs += Temporal.Duration.from(duration).total('milliseconds')
  }

  #wait(milliseconds: number, wake: () => void): Waiter {
    const waiter = { at: this.#elapsedMs + milliseconds, wake }
    this.#waiters.add(waiter)
    return waiter
  }

  #nextUntil(end: number): Waiter | undefined {
    const [first] = [...this.#waiters].filter(waiter => waiter.at <= end).toSorted((a, b) => a.at - b.at)
    return first
  }

  #pass(milliseconds: number): void {
    this.#wallMs += milliseconds
    this.#elapsedMs += milliseconds
  }
}

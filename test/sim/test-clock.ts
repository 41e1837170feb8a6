import { setImmediate as breathe } from 'node:timers/promises'
import type { Clock, Deadline } from '../../src/contracts/index.ts'

interface Sleeper {
  readonly at: number
  wake(): void
}

/** A real clock that someone else winds. Wall and monotonic time move together by `advance`; `step` moves the wall alone, as an operator or a bad NTP server does. */
export class TestClock implements Clock {
  #elapsed = 0
  #wall: number
  #sleepers: Sleeper[] = []

  constructor(start = '2026-11-25T12:00:00Z') {
    this.#wall = Temporal.Instant.from(start).epochMilliseconds
  }

  now(): Temporal.Instant {
    return Temporal.Instant.fromEpochMilliseconds(this.#wall + this.#elapsed)
  }

  elapsed(): number {
    return this.#elapsed
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const sleeper = { at: this.#elapsed + Math.max(0, milliseconds), wake: resolve }
      this.#sleepers.push(sleeper)
      signal?.addEventListener(
        'abort',
        () => {
          this.#sleepers = this.#sleepers.filter(other => other !== sleeper)
          reject(signal.reason)
        },
        { once: true }
      )
    })
  }

  within(milliseconds: number, outer?: AbortSignal): Deadline {
    const controller = new AbortController()
    const forward = () => controller.abort(outer?.reason)
    const sleeper = {
      at: this.#elapsed + milliseconds,
      wake: () => controller.abort(new DOMException('the deadline has passed', 'TimeoutError'))
    }
    this.#sleepers.push(sleeper)
    if (outer?.aborted) forward()
    else outer?.addEventListener('abort', forward, { once: true })
    return {
      signal: controller.signal,
      [Symbol.dispose]: () => {
        this.#sleepers = this.#sleepers.filter(other => other !== sleeper)
        outer?.removeEventListener('abort', forward)
      }
    }
  }

  /** Lets time pass: whoever wakes in between does so in order, and what it starts gets to run before time goes on. */
  async advance(duration: string | number): Promise<void> {
    const end = this.#elapsed + (typeof duration === 'number' ? duration : Temporal.Duration.from(duration).total('milliseconds'))
    await settle()
    for (;;) {
      const next = this.#sleepers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0]
      if (!next) break
      this.#sleepers = this.#sleepers.filter(other => other !== next)
      this.#elapsed = Math.max(this.#elapsed, next.at)
      next.wake()
      await settle()
    }
    this.#elapsed = end
    await settle()
  }

  /** Long waits in large strides: for a day of nothing but ticks, whose every second would be a turn of the event loop. */
  async leap(duration: string, strideMs: number): Promise<void> {
    const end = this.#elapsed + Temporal.Duration.from(duration).total('milliseconds')
    while (this.#elapsed < end) {
      this.#elapsed = Math.min(end, this.#elapsed + strideMs)
      const due = this.#sleepers.filter(({ at }) => at <= this.#elapsed)
      this.#sleepers = this.#sleepers.filter(({ at }) => at > this.#elapsed)
      for (const sleeper of due) sleeper.wake()
      await settle()
    }
  }

  /** Steps the wall clock alone. */
  step(duration: string): void {
    this.#wall += Temporal.Duration.from(duration).total('milliseconds')
  }
}

// Real I/O (the store's worker, the target's file) answers in its own time: give it some before the clock goes on.
async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) await breathe()
}

import type { Clock } from '../../contracts/index.ts'
import { onAbort } from '../on-abort.ts'

/** Lets requests wait for what the sweeper does. */
export class Watch<Key, Settled> {
  readonly #clock: Clock
  readonly #waiting = new Map<Key, Set<(settled: Settled) => void>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Called by the sweeper once the outcome is committed. */
  settled(key: Key, settled: Settled): void {
    const waiters = this.#waiting.get(key)
    this.#waiting.delete(key)
    for (const waiter of waiters ?? []) waiter(settled)
  }

  /** The next outcome, or `undefined` after `limitMs`. Call it *before* the commit that makes the work due. */
  next(key: Key, limitMs: number, signal?: AbortSignal): Promise<Settled | undefined> {
    const waiters = this.#waiting.get(key) ?? new Set()
    this.#waiting.set(key, waiters)
    const deadline = this.#clock.within(limitMs, signal)
    return new Promise(resolve => {
      const waiter = (settled: Settled | undefined) => {
        waiters.delete(waiter)
        if (waiters.size === 0 && this.#waiting.get(key) === waiters) this.#waiting.delete(key)
        deadline[Symbol.dispose]()
        resolve(settled)
      }
      waiters.add(waiter)
      onAbort(deadline.signal, () => waiter(undefined))
    })
  }
}

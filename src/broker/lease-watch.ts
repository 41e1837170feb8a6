import type { Clock, LeaseId } from '../contracts/index.ts'
import { onAbort } from './on-abort.ts'

/** How a revocation stands: what the sweeper told last of a lease. */
export type Settled = { readonly kind: 'gone' | 'ended' | 'outlives' } | { readonly kind: 'failed'; readonly error: string }

/** Lets a request wait for the sweeper. A request never calls `revoke` on a backend: it makes the lease due and waits here. */
export class LeaseWatch {
  readonly #clock: Clock
  readonly #waiting = new Map<LeaseId, Set<(settled: Settled) => void>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Called by the sweeper once the outcome is committed. */
  settled(id: LeaseId, settled: Settled): void {
    const waiters = this.#waiting.get(id)
    this.#waiting.delete(id)
    for (const waiter of waiters ?? []) waiter(settled)
  }

  /** The next outcome of the lease, or `undefined` after `limitMs`. Call it *before* the commit that makes the lease due. */
  next(id: LeaseId, limitMs: number, signal?: AbortSignal): Promise<Settled | undefined> {
    const waiters = this.#waiting.get(id) ?? new Set()
    this.#waiting.set(id, waiters)
    const deadline = this.#clock.within(limitMs, signal)
    return new Promise(resolve => {
      const waiter = (settled: Settled | undefined) => {
        waiters.delete(waiter)
        if (waiters.size === 0 && this.#waiting.get(id) === waiters) this.#waiting.delete(id)
        deadline[Symbol.dispose]()
        resolve(settled)
      }
      waiters.add(waiter)
      onAbort(deadline.signal, () => waiter(undefined))
    })
  }
}

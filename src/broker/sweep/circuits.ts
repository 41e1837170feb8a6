import type { Clock, TargetId } from '../../contracts/index.ts'

/** Which targets failed as a whole when the sweeper last tried. The row in the store is the truth; this copy answers on the hot path of issuing. */
export class Circuits {
  readonly #clock: Clock
  readonly #probeAt = new Map<TargetId, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** True until the target's next try: after it callers may find out as well as the sweeper. */
  failing(target: TargetId): boolean {
    const probeAt = this.#probeAt.get(target)
    return probeAt !== undefined && this.#clock.elapsed() < probeAt
  }

  opened(target: TargetId, retryMs: number): void {
    this.#probeAt.set(target, this.#clock.elapsed() + retryMs)
  }

  closed(target: TargetId): void {
    this.#probeAt.delete(target)
  }
}

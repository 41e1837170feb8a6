import type { Clock } from 'mayfly/plugin'

// AWS lists a key some seconds after it was made, and until then says that it knows none of that id.
const listedMsMax = 10 * 60_000

/** Whether AWS's list of a user's keys may still lack one that was made for a rotation. What was made before this process began it does not know: that may have been a moment before. */
export class MadeKeys {
  readonly #clock: Clock
  #lastAt: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#lastAt = clock.elapsed()
  }

  /** One may have been made just now. */
  mayBe(): void {
    this.#lastAt = this.#clock.elapsed()
  }

  areListed(): boolean {
    return this.#clock.elapsed() - this.#lastAt > listedMsMax
  }
}

import type { Clock } from 'mayfly/plugin'

// Longer than a commit takes.
const commitMsMax = 5_000

/** Accounts that connections of a mount are taking up: a write looks at the other mounts first and is committed a moment later, and in between its row tells nobody of it. Noted before it
 *  looks: whoever changes a password has that on record before it looks here, so that one of the two sees the other. */
export class Takings {
  readonly #clock: Clock
  /** Until when, on the clock that never steps. */
  readonly #until = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  note(account: string): void {
    for (const [one, until] of this.#until) if (until <= this.#clock.elapsed()) this.#until.delete(one)
    this.#until.set(account, this.#clock.elapsed() + commitMsMax)
  }

  /** It is refused: whoever waits for it waits no longer. */
  forget(account: string): void {
    this.#until.delete(account)
  }

  msLeft(account: string): number {
    return Math.max(0, (this.#until.get(account) ?? 0) - this.#clock.elapsed())
  }
}

import type { Clock } from 'mayfly/plugin'

// Below, the difference is the time of a round trip; hosts that keep time agree better than this.
const toleranceMs = 2_000

/** The server's clock as last seen. A server judges deadlines and expiries by its own, so what is sent to it is told in its time: a host with a wrong clock
 *  neither fails every issue nor makes credentials that live too long. */
export class ServerClock {
  readonly #clock: Clock
  #aheadMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Begins a round trip; the result takes what the server's clock said in its answer. A slow one says nothing about the clock. */
  look(): (milliseconds: number) => void {
    const asked = this.#clock.now().epochMilliseconds
    return milliseconds => {
      const tripMs = this.#clock.now().epochMilliseconds - asked
      if (tripMs > toleranceMs || !Number.isFinite(milliseconds)) return
      const aheadMs = Math.round(milliseconds - asked - tripMs / 2)
      this.#aheadMs = Math.abs(aheadMs) < toleranceMs ? 0 : aheadMs
    }
  }

  /** A moment of the broker, on the server's clock. */
  there(moment: Temporal.Instant): Temporal.Instant {
    return moment.add({ milliseconds: this.#aheadMs })
  }

  /** A moment of the server, on the broker's clock. */
  here(moment: Temporal.Instant): Temporal.Instant {
    return moment.subtract({ milliseconds: this.#aheadMs })
  }
}

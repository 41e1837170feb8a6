import type { Clock, Deadline } from '../contracts/index.ts'

// A larger step than any slewing daemon makes, small beside every TTL.
export const clockDriftMaxMs = 5_000

// How long leases of a target without a clock wait while this host's clock is suspect: after that they are revoked all the same.
export const suspectWaitMsMax = 600_000

/** The store's time: its high-water mark plus monotonic elapsed time, so that no step of the host's clock extends a lease or ends all of them.
 *
 *  At start the wall clock is taken unless it is behind the mark; then the mark goes on. While running, a difference above `clockDriftMaxMs` between wall
 *  and store time makes the clock suspect: no issuing, an alarm, until they agree again or the broker restarts. */
export class TimeKeeper implements Clock {
  readonly #host: Clock
  #base: number
  #baseElapsed: number
  #suspectSince: number | undefined
  #lastMs = 0
  #last = Temporal.Instant.fromEpochMilliseconds(0)

  constructor(host: Clock, mark: Temporal.Instant) {
    this.#host = host
    this.#base = Math.max(host.now().epochMilliseconds, mark.epochMilliseconds)
    this.#baseElapsed = host.elapsed()
  }

  /** The same object within one millisecond: a request asks ten times, and making an instant costs more than the rest of this. */
  now(): Temporal.Instant {
    const milliseconds = this.#nowMs()
    if (milliseconds !== this.#lastMs) {
      this.#lastMs = milliseconds
      this.#last = Temporal.Instant.fromEpochMilliseconds(milliseconds)
    }
    return this.#last
  }

  elapsed(): number {
    return this.#host.elapsed()
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return this.#host.sleep(milliseconds, signal)
  }

  within(milliseconds: number, signal?: AbortSignal): Deadline {
    return this.#host.within(milliseconds, signal)
  }

  /** Compares wall and store time; true when the host's clock cannot be believed now. A small step ahead is followed, because it only shortens leases. */
  suspect(): boolean {
    const ahead = this.#aheadMs()
    if (Math.abs(ahead) > clockDriftMaxMs) {
      this.#suspectSince ??= this.#host.elapsed()
      return true
    }
    this.#suspectSince = undefined
    if (ahead > 0) this.#base += ahead
    return false
  }

  /** The wall clock while it is ahead and not believed: a host that slept, or a bad step. */
  wallAhead(): Temporal.Instant | undefined {
    return this.suspect() && this.#aheadMs() > 0 ? this.#host.now() : undefined
  }

  /** A second source tells the time. When it agrees with the wall clock, the wall clock is taken: a host that slept goes on with the right time. */
  confirm(elsewhere: Temporal.Instant): boolean {
    if (!this.wallAhead() || Math.abs(elsewhere.epochMilliseconds - this.#host.now().epochMilliseconds) > clockDriftMaxMs) return false
    this.#base += this.#aheadMs()
    return true
  }

  /** Whether what is due only by the wall clock may be ended without a second source. */
  suspectLongEnough(): boolean {
    return this.suspect() && this.#suspectSince !== undefined && this.#host.elapsed() - this.#suspectSince >= suspectWaitMsMax
  }

  #nowMs(): number {
    return this.#base + Math.floor(this.#host.elapsed() - this.#baseElapsed)
  }

  #aheadMs(): number {
    return this.#host.now().epochMilliseconds - this.#nowMs()
  }
}

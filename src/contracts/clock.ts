/** The only source of time. The core never touches `Date`, `performance` or timers, so a test or a simulator can own all of it. */
export interface Clock {
  /** Wall time. */
  now(): Temporal.Instant
  /** Milliseconds on a clock that never steps; its zero means nothing. */
  elapsed(): number
  /** Resolves after `milliseconds`, of any size; rejects with the signal's reason when aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
  /** A signal that aborts after `milliseconds`, or with `signal`. Release it when the work is done, so that no timer stays. */
  within(milliseconds: number, signal?: AbortSignal): Deadline
}

/** A signal with a timer behind it. `using deadline = clock.within(5_000)` releases the timer at the end of the block. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal
}

/** The only source of randomness: cryptographically strong in the program, seeded in the simulator. */
export interface Random {
  bytes(count: number): Uint8Array
  /** A uniform integer, 0 <= result < limit, without modulo bias. */
  below(limit: number): number
}

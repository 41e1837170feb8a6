import type { Clock, Database, DatabaseCheck, Log } from 'mayfly/plugin'

// A right that an operator gives or takes away shows within this time.
const freshMsMax = 5 * 60_000
const lookMsMax = 10_000
// Who only wants to be sure, and knows enough to go on, waits no longer for a look.
const patienceMs = 2_000
// Nor does anybody for the next, after one that failed or took too long.
const failedMsMax = 30_000

export interface Checked {
  readonly check: DatabaseCheck
  readonly at: Temporal.Instant
}

/** What one server can do, as it was found not long ago. One look at a time, whoever asks. */
export class FreshCheck {
  readonly #database: Database
  readonly #clock: Clock
  readonly #log: Log
  #seen: Checked | undefined
  /** On the clock that never steps. */
  #lookAfter = Number.NEGATIVE_INFINITY
  #looking: Promise<DatabaseCheck> | undefined

  constructor(database: Database, clock: Clock, log: Log) {
    this.#database = database
    this.#clock = clock
    this.#log = log
  }

  get seen(): Checked | undefined {
    return this.#seen
  }

  /** `before`: what is known from elsewhere, and serves when the server does not answer. */
  async get(before?: DatabaseCheck): Promise<DatabaseCheck> {
    const known = this.#seen?.check ?? before
    if (!known) return await this.now()
    if (this.#clock.elapsed() < this.#lookAfter) return known
    try {
      return await this.#soon(this.now(known))
    } catch {
      this.#lookAfter = this.#clock.elapsed() + failedMsMax
      return known
    }
  }

  /** What it says may be over: whoever asks next has a look taken. */
  doubt(): void {
    this.#lookAfter = Number.NEGATIVE_INFINITY
  }

  /** As found by a look that is under way, or by one of its own. `before`: as for `get`; what was lost since is told to the log. */
  now(before?: DatabaseCheck): Promise<DatabaseCheck> {
    this.#looking ??= this.#look(this.#seen?.check ?? before).finally(() => (this.#looking = undefined))
    return this.#looking
  }

  async #look(before: DatabaseCheck | undefined): Promise<DatabaseCheck> {
    using deadline = this.#clock.within(lookMsMax)
    const check = await this.#database.check(deadline.signal)
    this.#seen = { check, at: this.#clock.now() }
    this.#lookAfter = this.#clock.elapsed() + freshMsMax
    if (before) this.#tellLost(before, check)
    return check
  }

  async #soon<T>(look: Promise<T>): Promise<T> {
    using deadline = this.#clock.within(patienceMs)
    const { promise: over, reject } = Promise.withResolvers<never>()
    deadline.signal.addEventListener('abort', () => reject(new Error('the look takes too long')), { once: true })
    return await Promise.race([look, over])
  }

  #tellLost(before: DatabaseCheck, now: DatabaseCheck): void {
    const missing = now.missing.filter(one => !before.missing.includes(one))
    if (missing.length > 0) this.#log.warn('the account of a database connection can do less than before', { missing })
  }
}

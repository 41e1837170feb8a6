import type { Clock, Database, DatabaseCheck, JsonObject, Log } from 'mayfly/plugin'

// A right that an operator gives or takes away shows within this time.
const freshMsMax = 5 * 60_000
// Nobody waits longer for a look that is only to be sure.
const lookMsMax = 2_000
// After one that failed: the requests that follow are not held up by another.
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
    if (known && this.#clock.elapsed() < this.#lookAfter) return known
    try {
      return await this.now(known)
    } catch (error) {
      if (!known) throw error
      return known
    }
  }

  /** Looked at after this was asked, or as good as: whoever looks already is waited for. */
  now(known = this.#seen?.check): Promise<DatabaseCheck> {
    this.#looking ??= this.#look(known).finally(() => (this.#looking = undefined))
    return this.#looking
  }

  async #look(known: DatabaseCheck | undefined): Promise<DatabaseCheck> {
    using deadline = this.#clock.within(lookMsMax)
    try {
      const check = await this.#database.check(deadline.signal)
      this.#seen = { check, at: this.#clock.now() }
      this.#lookAfter = this.#clock.elapsed() + freshMsMax
      this.#tell(known, check)
      return check
    } catch (error) {
      this.#lookAfter = this.#clock.elapsed() + failedMsMax
      throw error
    }
  }

  /** Nobody wrote the connection: an operator hears of it here. */
  #tell(before: DatabaseCheck | undefined, now: DatabaseCheck): void {
    const lost = now.missing.filter(one => !before?.missing.includes(one))
    if (before && lost.length > 0)
      this.#log.warn('the account of a database connection can do less than before', { missing: lost } satisfies JsonObject)
  }
}

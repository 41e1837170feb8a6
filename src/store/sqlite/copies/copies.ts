import { BrokerError } from '../../../contracts/index.ts'
import { carryError } from '../threads/carried-error.ts'
import { copyDatabase } from './copy-database.ts'
import type { Database } from '../database.ts'
import type { Answer, Call } from '../threads/lane.ts'

/** A copy under way, one at a time: each reads the whole database, and takes as much room again. */
export class Copies {
  readonly #db: Database
  readonly #say: (answer: Answer) => void
  #busy: Promise<void> | undefined
  #ending = false

  constructor(db: Database, say: (answer: Answer) => void) {
    this.#db = db
    this.#say = say
  }

  add({ id, copyTo }: Extract<Call, { copyTo: string }>): void {
    if (this.#busy)
      return this.#say({ id, error: carryError(new BrokerError('conflict', 'another backup is being made: wait for its end')) })
    this.#busy = copyDatabase(this.#db, copyTo, () => this.#ending)
      .then(
        () => this.#say({ id, value: undefined }),
        error => this.#say({ id, error: carryError(error) })
      )
      .finally(() => (this.#busy = undefined))
  }

  /** The connection cannot be closed under a step. */
  async end(): Promise<void> {
    this.#ending = true
    await this.#busy
  }
}

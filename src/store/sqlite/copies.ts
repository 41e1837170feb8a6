import { carryError } from './carried-error.ts'
import { copyDatabase } from './copy-database.ts'
import type { Database } from './database.ts'
import type { Answer, Call } from './lane.ts'

/** Copies under way, one after the other: each reads the whole database. */
export class Copies {
  readonly #db: Database
  readonly #say: (answer: Answer) => void
  #turn: Promise<void> = Promise.resolve()
  #ending = false

  constructor(db: Database, say: (answer: Answer) => void) {
    this.#db = db
    this.#say = say
  }

  add({ id, copyTo }: Extract<Call, { copyTo: string }>): void {
    this.#turn = this.#turn
      .then(() => copyDatabase(this.#db, copyTo, () => this.#ending))
      .then(
        () => this.#say({ id, value: undefined }),
        error => this.#say({ id, error: carryError(error) })
      )
  }

  /** The connection cannot be closed under a step. */
  async end(): Promise<void> {
    this.#ending = true
    await this.#turn
  }
}

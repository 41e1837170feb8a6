import type { Clock } from './clock.ts'
import { BrokerError } from './errors.ts'

/** One thing that a credential of a role takes, tried. */
export type CheckStep = {
  readonly step: string
  readonly ok: boolean
  readonly ms: number
  /** What was found, or why it failed: a sentence that the caller may read. */
  readonly told: string
}

/** The steps of one check of a role, in order: what a credential takes is tried before somebody needs one. */
export class CheckSteps {
  readonly #clock: Clock
  readonly all: CheckStep[]

  constructor(clock: Clock, before: readonly CheckStep[] = []) {
    this.#clock = clock
    this.all = [...before]
  }

  get ok(): boolean {
    return this.all.every(({ ok }) => ok)
  }

  /** Tries it and tells. `undefined`: it failed, as what failed says itself. What is no `BrokerError` is a bug and stays one. */
  async try<T>(step: string, work: () => Promise<T> | T, tell: (found: T) => string = () => ''): Promise<T | undefined> {
    const began = this.#clock.elapsed()
    try {
      const found = await work()
      this.#add(step, true, began, tell(found))
      return found
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      this.#add(step, false, began, error.message)
      return undefined
    }
  }

  #add(step: string, ok: boolean, began: number, told: string): void {
    this.all.push({ step, ok, ms: Math.round((this.#clock.elapsed() - began) * 10) / 10, told })
  }
}

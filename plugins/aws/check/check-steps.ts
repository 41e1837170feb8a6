import { BrokerError } from 'mayfly/plugin'
import type { Clock } from 'mayfly/plugin'

/** One thing that keys of a role take, tried. */
export type CheckStep = {
  readonly step: string
  readonly ok: boolean
  readonly ms: number
  /** What was found, or why it failed: a sentence that the caller may read. */
  readonly told: string
}

/** The steps of one check, in order. */
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

  /** `undefined`: it failed, as what failed says itself. What is no `BrokerError` is a bug and stays one. */
  async try<T>(step: string, work: () => Promise<T>, tell: (found: T) => string): Promise<T | undefined> {
    const began = this.#clock.elapsed()
    const add = (ok: boolean, told: string) => this.all.push({ step, ok, ms: Math.round((this.#clock.elapsed() - began) * 10) / 10, told })
    try {
      const found = await work()
      add(true, tell(found))
      return found
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      add(false, error.message)
      return undefined
    }
  }
}

import type { Clock, TargetId } from 'mayfly/plugin'

// AWS tells of a user that is gone now here, now there: two looks so far apart that agree are believed.
const apartMs = 10_000

// Users that are being looked for a second time.
const keptMax = 20_000

/** When users were first not there. Lost with the process, which costs one more look. */
export class Absences {
  readonly #clock: Clock
  readonly #since = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** True when the user was not there before, long enough ago. */
  confirmed(target: TargetId, name: string): boolean {
    const since = this.#since.get(keyOf(target, name))
    return since !== undefined && this.#clock.elapsed() - since >= apartMs
  }

  /** When to look again. */
  seen(target: TargetId, name: string): Temporal.Instant {
    const key = keyOf(target, name)
    if (!this.#since.has(key)) {
      if (this.#since.size >= keptMax) this.#since.delete(this.#since.keys().next().value!)
      this.#since.set(key, this.#clock.elapsed())
    }
    const gone = this.#clock.elapsed() - this.#since.get(key)!
    return this.#clock.now().add({ milliseconds: Math.ceil(apartMs - Math.min(apartMs, gone)) + 1 })
  }

  forget(target: TargetId, name: string): void {
    this.#since.delete(keyOf(target, name))
  }
}

const keyOf = (target: TargetId, name: string): string => `${target} ${name}`

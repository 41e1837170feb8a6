import type { Clock, TargetId } from 'mayfly/plugin'

// AWS tells of a user that is gone now here, now there: two looks so far apart that agree are believed.
const apartMs = 10_000

// Users that are on their way out.
const keptMax = 20_000

// Who was not reached has another turn within seconds, in an account full of them within minutes; of who has none any more, somebody else has disposed.
const waitsMsMax = 300_000

interface Ending {
  /** Absent until everything is denied to the user. */
  deniedKeys: readonly string[] | undefined
  absentSinceMs: number | undefined
}

/** How far the ends of users have come between two turns. It is lost with the process, which costs some calls and one more look. */
export class Endings {
  readonly #clock: Clock
  readonly #kept = new Map<string, Ending>()
  readonly #waiting = new Map<TargetId, Map<string, number>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The keys of a user to whom everything is denied. */
  deniedKeys(target: TargetId, name: string): readonly string[] | undefined {
    return this.#kept.get(keyOf(target, name))?.deniedKeys
  }

  noteDenied(target: TargetId, name: string, keys: readonly string[]): void {
    this.#of(target, name).deniedKeys = keys
  }

  /** These still have access, and were not reached in their turn; `served`: these were. */
  noteWaiting(target: TargetId, names: readonly string[], served: readonly string[]): void {
    const waiting = this.#waiting.getOrInsertComputed(target, () => new Map<string, number>())
    for (const name of served) waiting.delete(name)
    for (const name of names) waiting.set(name, this.#clock.elapsed())
    if (waiting.size === 0) this.#waiting.delete(target)
  }

  /** Whether one whom its turn did not reach still has access. */
  isAnyWaiting(target: TargetId): boolean {
    const [now, waiting] = [this.#clock.elapsed(), this.#waiting.get(target)]
    for (const [name, since] of waiting ?? []) if (now - since >= waitsMsMax) waiting?.delete(name)
    return (waiting?.size ?? 0) > 0
  }

  /** True when AWS did not know the user when it was asked last. */
  isAbsent(target: TargetId, name: string): boolean {
    return this.#kept.get(keyOf(target, name))?.absentSinceMs !== undefined
  }

  /** True when the user was not there before, long enough ago. */
  wasAbsent(target: TargetId, name: string): boolean {
    const since = this.#kept.get(keyOf(target, name))?.absentSinceMs
    return since !== undefined && this.#clock.elapsed() - since >= apartMs
  }

  /** When to look again. */
  noteAbsent(target: TargetId, name: string): Temporal.Instant {
    const ending = this.#of(target, name)
    ending.absentSinceMs ??= this.#clock.elapsed()
    const passed = Math.min(apartMs, this.#clock.elapsed() - ending.absentSinceMs)
    return this.#clock.now().add({ milliseconds: Math.ceil(apartMs - passed) + 1 })
  }

  noteThere(target: TargetId, name: string): void {
    const ending = this.#kept.get(keyOf(target, name))
    if (ending) ending.absentSinceMs = undefined
  }

  forget(target: TargetId, name: string): void {
    this.#kept.delete(keyOf(target, name))
  }

  #of(target: TargetId, name: string): Ending {
    if (this.#kept.size >= keptMax) this.#kept.delete(this.#kept.keys().next().value!)
    return this.#kept.getOrInsertComputed(keyOf(target, name), () => ({ deniedKeys: undefined, absentSinceMs: undefined }))
  }
}

const keyOf = (target: TargetId, name: string): string => `${target} ${name}`

import type { Clock } from '../../contracts/index.ts'
import type { MountRecord } from '../mounts/mount.ts'

/** How many failures lock an alias, and for how long. Seconds. */
interface LockoutRule {
  readonly threshold: number
  readonly lastsFor: number
  /** After so long without another failure the count begins anew. */
  readonly forgottenAfter: number
  readonly disabled: boolean
}

/** The wire's, where the mount says nothing. */
export function lockoutRule({ config }: MountRecord): LockoutRule {
  const said = config.user_lockout_config ?? {}
  return {
    disabled: said.lockout_disable ?? false,
    threshold: said.lockout_threshold ?? 5,
    lastsFor: said.lockout_duration ?? 900,
    forgottenAfter: said.lockout_counter_reset_duration ?? 900
  }
}

// Bounds a broker with very many roles under attack, and what may be guessed of names that are not there; the oldest goes first.
const countedMax = 50_000

interface Failures {
  readonly count: number
  readonly at: number
}

/** Guesses at one alias: after so many in a row nobody gets in under it for a while, the right proof included, so that parallel guesses win nothing. Counted in this process:
 *  whoever can restart the broker has no need to guess. Names of nobody are locked alike, so that no lock tells who is there, but apart: they push nobody's failures out. */
export class Lockouts {
  readonly #clock: Clock
  readonly #failures = new Map<string, Failures>()
  readonly #ofNobody = new Map<string, Failures>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  locked(mount: MountRecord, alias: string, nobody = false): boolean {
    const rule = lockoutRule(mount)
    const failures = this.#countsOf(nobody).get(keyOf(mount, alias))
    return (
      !rule.disabled &&
      failures !== undefined &&
      failures.count >= rule.threshold &&
      this.#clock.elapsed() - failures.at < rule.lastsFor * 1_000
    )
  }

  /** Those that are locked now. */
  lockedAliases(mount: MountRecord): readonly string[] {
    const prefix = keyOf(mount, '')
    return [...this.#failures.keys()]
      .filter(key => key.startsWith(prefix))
      .map(key => key.slice(prefix.length))
      .filter(alias => this.locked(mount, alias))
  }

  failed(mount: MountRecord, alias: string, nobody = false): void {
    const rule = lockoutRule(mount)
    if (rule.disabled) return
    const counts = this.#countsOf(nobody)
    const key = keyOf(mount, alias)
    const at = this.#clock.elapsed()
    const before = counts.get(key)
    const kept =
      before && at - before.at < (before.count >= rule.threshold ? rule.lastsFor : rule.forgottenAfter) * 1_000 ? before.count : 0
    counts.delete(key)
    if (counts.size >= countedMax) for (const oldest of counts.keys().take(1)) counts.delete(oldest)
    counts.set(key, { count: kept + 1, at })
  }

  forget(mount: MountRecord, alias: string): void {
    if (this.#failures.size > 0) this.#failures.delete(keyOf(mount, alias))
  }

  #countsOf(nobody: boolean): Map<string, Failures> {
    return nobody ? this.#ofNobody : this.#failures
  }
}

function keyOf({ uuid }: MountRecord, alias: string): string {
  return `${uuid}\n${alias}`
}

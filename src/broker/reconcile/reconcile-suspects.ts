import type { Found, TargetId } from '../../contracts/index.ts'

interface Seen {
  /** When the last look began. */
  readonly lookedAt: number
  /** What it found without a lease, and since when that is known. */
  readonly since: ReadonlyMap<string, number>
  /** There is more than it kept by name. */
  readonly more: boolean
}

const nothing: ReadonlyMap<string, number> = new Map()

/** What was found without a lease, and since when, on the clock that never steps. In memory only: after a restart everything is new, and waits once more. */
export class Suspects {
  readonly #seen = new Map<TargetId, Seen>()

  /** Those that were found without a lease by a look that had ended at `until`, as this very object. */
  seenBefore(target: TargetId, found: readonly Found[], until: number): readonly Found[] {
    const since = this.#seen.get(target)?.since ?? nothing
    return found.filter(one => (since.get(identityOf(one)) ?? Number.POSITIVE_INFINITY) <= until)
  }

  /** A look has ended; what it did not find is no suspect any more. */
  keep(target: TargetId, lookedAt: number, found: readonly Found[], more: boolean, now: number): void {
    const before = this.#seen.get(target)?.since ?? nothing
    this.#seen.set(target, { lookedAt, more, since: new Map(found.map(one => [identityOf(one), before.get(identityOf(one)) ?? now])) })
  }

  /** Everything is new, as after a start. */
  forget(target: TargetId): void {
    this.#seen.delete(target)
  }

  /** A look has failed: what was known stays. */
  failed(target: TargetId, lookedAt: number): void {
    this.#seen.set(target, { lookedAt, more: false, since: this.#seen.get(target)?.since ?? nothing })
  }

  /** When one will have been seen for `afterMs`, which the last look was too early for. What it was not too early for and is still there waits for the next run of all. */
  ripeAt(target: TargetId, afterMs: number): number | undefined {
    const { lookedAt = 0, since = nothing, more = false } = this.#seen.get(target) ?? {}
    const moments = [...since.values(), ...(more ? [lookedAt] : [])].map(first => first + afterMs).filter(moment => moment > lookedAt)
    return moments.length === 0 ? undefined : Math.min(...moments)
  }

  /** Of targets that are there no more. */
  keepTargets(targets: ReadonlySet<TargetId>): void {
    for (const target of this.#seen.keys()) if (!targets.has(target)) this.#seen.delete(target)
  }
}

/** A name alone may be somebody else's by now. */
export function identityOf({ name, handle }: Found): string {
  return `${name}\n${JSON.stringify(handle ?? null)}`
}

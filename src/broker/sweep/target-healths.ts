import { errorText } from '../../audit/error-text.ts'
import { BrokerError } from '../../contracts/index.ts'
import type { Clock, TargetHealth, TargetId } from '../../contracts/index.ts'
import type { Store } from '../../store/store.ts'

interface Seen {
  readonly answeredAt?: Temporal.Instant
  readonly latencyMs?: number
  readonly failedAt?: Temporal.Instant
  readonly error?: string
}

// Of more targets than this those that were heard of longest ago are forgotten.
const targetsMax = 5_000

// How much the last call weighs beside all before it.
const weight = 0.2

/** What this run has seen of each target. The row in the store knows of outages; this knows of everything that was asked, and how long it took. */
export class TargetHealths {
  readonly #clock: Clock
  readonly #store: Pick<Store, 'target'>
  readonly #seen = new Map<TargetId, Seen>()

  constructor({ clock, store }: { readonly clock: Clock; readonly store: Pick<Store, 'target'> }) {
    this.#clock = clock
    this.#store = store
  }

  /** Passes on what `work` gives, and keeps how it went. */
  async watch<T>(target: TargetId, work: () => Promise<T>): Promise<T> {
    const began = this.#clock.elapsed()
    try {
      const result = await work()
      this.#answered(target, this.#clock.elapsed() - began)
      return result
    } catch (error) {
      this.#failed(target, error, this.#clock.elapsed() - began)
      throw error
    }
  }

  latencyMs(target: TargetId): number | undefined {
    return this.#seen.get(target)?.latencyMs
  }

  async of(target: TargetId): Promise<TargetHealth> {
    const row = await this.#store.target(target)
    const { answeredAt, latencyMs, failedAt, error } = this.#seen.get(target) ?? {}
    const failures = row?.failures ?? 0
    const fails = failures > 0 || isLater(failedAt, answeredAt)
    const lastError = row?.lastError ?? error
    return {
      state: fails ? 'fails' : answeredAt ? 'answers' : 'unknown',
      failures,
      ...(row?.failingSince ? { failingSince: row.failingSince } : {}),
      ...(row?.retryAt ? { retryAt: row.retryAt } : {}),
      ...(lastError === undefined ? {} : { lastError }),
      ...(failedAt ? { lastErrorAt: failedAt } : {}),
      ...(answeredAt ? { lastAnswerAt: answeredAt } : {}),
      ...(latencyMs === undefined ? {} : { latencyMs: Math.round(latencyMs * 10) / 10 })
    }
  }

  #answered(target: TargetId, milliseconds: number): void {
    const { latencyMs: before = milliseconds, ...seen } = this.#seen.get(target) ?? {}
    this.#keep(target, { ...seen, answeredAt: this.#clock.now(), latencyMs: before + weight * (milliseconds - before) })
  }

  /** A refusal is an answer, and told all the same. What failed on this side (a password policy that is gone) tells nothing of the target. */
  #failed(target: TargetId, error: unknown, milliseconds: number): void {
    if (error instanceof BrokerError && !error.code.startsWith('target_')) return
    const refused = error instanceof BrokerError && error.code === 'target_refused'
    if (refused) this.#answered(target, milliseconds)
    const now = this.#clock.now()
    this.#keep(target, { ...this.#seen.get(target), failedAt: now, ...(refused ? { answeredAt: now } : {}), error: errorText(error) })
  }

  #keep(target: TargetId, seen: Seen): void {
    this.#seen.delete(target)
    this.#seen.set(target, seen)
    if (this.#seen.size > targetsMax) this.#seen.delete(this.#seen.keys().next().value!)
  }
}

function isLater(a: Temporal.Instant | undefined, b: Temporal.Instant | undefined): boolean {
  return a !== undefined && (b === undefined || Temporal.Instant.compare(a, b) > 0)
}

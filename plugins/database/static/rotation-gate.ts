import { BrokerError } from 'mayfly/plugin'
import type { Clock, TargetId } from 'mayfly/plugin'
import { Turns } from '../driver/turns.ts'

// A schedule may make a thousand roles of one server due at once, and each may hang: they must not take the sweeper's time from all others.
const atOnceMax = 8

// How long a server that could not be reached is not asked again by the rest of them. The back-off of a task is longer.
const quietMs = 5_000

interface Place {
  readonly turns: Turns
  failure: { readonly error: BrokerError; readonly atMs: number } | undefined
}

/** A few rotations at a time for each server; while it is away, one that finds out speaks for all. */
export class RotationGate {
  readonly #clock: Clock
  readonly #places = new Map<TargetId, Place>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async pass<T>(target: TargetId, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const place = this.#places.getOrInsertComputed(target, () => ({ turns: new Turns(atOnceMax), failure: undefined }))
    try {
      return await place.turns.take(signal, () => this.#unlessAway(place, work))
    } finally {
      if (place.turns.isIdle && !place.failure) this.#places.delete(target)
    }
  }

  async #unlessAway<T>(place: Place, work: () => Promise<T>): Promise<T> {
    if (place.failure && this.#clock.elapsed() - place.failure.atMs < quietMs) throw place.failure.error
    try {
      const result = await work()
      place.failure = undefined
      return result
    } catch (error) {
      this.#note(place, error)
      throw error
    }
  }

  #note(place: Place, error: unknown): void {
    if (!(error instanceof BrokerError) || error.code !== 'target_unreachable' || error === place.failure?.error) return
    place.failure = { error, atMs: this.#clock.elapsed() }
  }
}

import { BrokerError } from 'mayfly/plugin'
import type { Clock, TargetId } from 'mayfly/plugin'

// A schedule may make a thousand roles of one server due at once, and each may hang: they must not take the sweeper's time from all others.
const atOnceMax = 8

// How long a server that could not be reached is not asked again by the rest of them. The back-off of a task is longer.
const quietMs = 5_000

interface Place {
  running: number
  readonly waiting: (() => void)[]
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
    const place = this.#places.getOrInsertComputed(target, () => ({ running: 0, waiting: [], failure: undefined }))
    await enter(place, signal)
    try {
      if (place.failure && this.#clock.elapsed() - place.failure.atMs < quietMs) throw place.failure.error
      const result = await work()
      place.failure = undefined
      return result
    } catch (error) {
      this.#note(place, error)
      throw error
    } finally {
      leave(place)
      if (place.running === 0 && !place.failure) this.#places.delete(target)
    }
  }

  #note(place: Place, error: unknown): void {
    if (!(error instanceof BrokerError) || error.code !== 'target_unreachable' || error === place.failure?.error) return
    place.failure = { error, atMs: this.#clock.elapsed() }
  }
}

async function enter(place: Place, signal: AbortSignal): Promise<void> {
  if (place.running < atOnceMax) return void (place.running += 1)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  place.waiting.push(resolve)
  const stop = () => {
    const index = place.waiting.indexOf(resolve)
    if (index < 0) return
    place.waiting.splice(index, 1)
    reject(new BrokerError('target_unreachable', 'its turn did not come in time', { cause: signal.reason }))
  }
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  await promise.finally(() => signal.removeEventListener('abort', stop))
}

/** The place goes on to whoever waits longest. */
function leave(place: Place): void {
  const next = place.waiting.shift()
  if (next) next()
  else place.running -= 1
}

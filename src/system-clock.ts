import { randomBytes, randomFillSync, randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock, Deadline, Random } from './contracts/index.ts'

// `setTimeout(f, 2 ** 31)` fires after 1 ms: longer waits are cut into pieces.
const timerMsMax = 2 ** 31 - 1

/** The real clock. Only here does the program touch timers and wall time. */
export const systemClock: Clock = {
  now: () => Temporal.Instant.fromEpochMilliseconds(Date.now()),
  elapsed: () => performance.now(),
  async sleep(milliseconds, signal) {
    for (let left = milliseconds; left > 0; left -= timerMsMax) await delay(Math.min(left, timerMsMax), undefined, signal ? { signal } : {})
  },
  within(milliseconds, outer): Deadline {
    const controller = new AbortController()
    const timer = setTimeout(
      () => controller.abort(new DOMException('the deadline has passed', 'TimeoutError')),
      Math.min(milliseconds, timerMsMax)
    )
    const forward = () => controller.abort(outer?.reason)
    if (outer?.aborted) forward()
    else outer?.addEventListener('abort', forward, { once: true })
    return {
      signal: controller.signal,
      [Symbol.dispose]() {
        clearTimeout(timer)
        outer?.removeEventListener('abort', forward)
      }
    }
  }
}

// One call of the system for many small draws: each costs some 10 µs, whatever its size.
const pool = Buffer.alloc(4_096)
const pooledMax = 64
let poolAt = pool.length

/** Taken bytes are wiped from the pool at once: no later draw and no later look at memory finds them there. */
function fromPool(count: number): Uint8Array {
  if (poolAt + count > pool.length) {
    randomFillSync(pool)
    poolAt = 0
  }
  const bytes = new Uint8Array(pool.subarray(poolAt, poolAt + count))
  pool.fill(0, poolAt, poolAt + count)
  poolAt += count
  return bytes
}

export const systemRandom: Random = {
  bytes: count => (count <= pooledMax ? fromPool(count) : randomBytes(count)),
  below: limit => randomInt(limit)
}

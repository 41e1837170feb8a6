import type { Random } from '../contracts/index.ts'

const firstMs = 1_000

// P2: access is over within 60 s of the target's return. 20 s and half as much jitter leave time for the queue and the operation.
const capMs = 20_000

/** Milliseconds until the next try after `failures` in a row: doubling, capped, spread by ± 50 % so that waiting work does not come back as one herd.
 *  It never ends: a revocation is never given up. */
export function backoffMs(failures: number, random: Random): number {
  const middle = Math.min(capMs, firstMs * 2 ** Math.min(failures - 1, 20))
  return Math.round(middle / 2 + random.below(middle))
}

/** When a token or a lease is renewed, and when it is replaced. Pure.
 *
 *  Both happen when a third of the time that it once got is left, a little earlier by chance, so that many clients do not come together. Whatever a renewal
 *  does not reach (a broker that is away, an end that is near) has that third to be mended in. */

export interface Term {
  /** What it was granted at first. */
  readonly ttlMs: number
  /** What is left of it. */
  readonly leftMs: number
  readonly renewable: boolean
  /** A renewal gave less than was asked for: its last end is known. */
  readonly capped: boolean
  /** Its successor would end no later, because something above it (the token) ends then. */
  readonly last: boolean
}

export interface Step {
  readonly act: 'renew' | 'replace'
  readonly inMs: number
}

const shareKept = 1 / 3
const jitterShareMax = 1 / 15

/** `chance`: 0 <= chance < 1, the same for the whole of a term. No step: it has no end. */
export function nextStep({ ttlMs, leftMs, renewable, capped, last }: Term, chance: number): Step | undefined {
  if (ttlMs === 0) return undefined
  if (leftMs <= 0 || last) return { act: 'replace', inMs: Math.max(0, leftMs) }
  const inMs = leftMs - ttlMs * (shareKept + jitterShareMax * chance)
  return { act: renewable && !capped ? 'renew' : 'replace', inMs: Math.max(0, Math.floor(inMs)) }
}

const backoffMsFirst = 500
const backoffMsMax = 15_000
const backoffMsNearEnd = 1_000

/** How long to wait after the n-th failure in a row: longer each time, but never so long that the end comes without several tries before it. */
export function backoffMs(failures: number, leftMs: number, chance: number, retryAfterSeconds = 0): number {
  const wait = Math.min(backoffMsMax, backoffMsFirst * 2 ** Math.min(failures - 1, 10)) * (0.5 + chance / 2)
  const nearEnd = leftMs > 0 ? Math.max(backoffMsNearEnd, leftMs / 4) : Infinity
  return Math.ceil(Math.max(retryAfterSeconds * 1_000, Math.min(wait, nearEnd)))
}

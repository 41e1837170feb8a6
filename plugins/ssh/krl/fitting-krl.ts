import { BrokerError } from 'mayfly/plugin'
import { encodeKrl } from '../format/encode-krl.ts'
import type { Krl } from '../format/krl.ts'
import type { SerialRange } from '../format/serial-ranges.ts'

// Serials are below it.
const gapBitsMax = 63

export interface FittingKrl {
  readonly body: Buffer
  /** Numbers that nobody has revoked and that are on the list all the same: 0 as long as it fits. */
  readonly beside: bigint
}

/** The list in the bytes that a host takes. What does not fit becomes coarser: numbers between two that are revoked are refused with them, those that lie closest together first. A list that is not
 *  published would let in everybody who was revoked since; this one keeps people out who may get a new certificate. */
export function fittingKrl(krl: Krl): FittingKrl {
  const whole = encoded(krl)
  if (whole) return { body: whole, beside: 0n }
  // Each try is a second of work: by halves, from single numbers on one side to one range for each CA on the other.
  let [tooFine, bits] = [-1, gapBitsMax]
  let fitting = coarser(krl, bits)
  while (bits - tooFine > 1) {
    const middle = (bits + tooFine) >> 1
    const found = coarser(krl, middle)
    if (found) [bits, fitting] = [middle, found]
    else tooFine = middle
  }
  if (!fitting) throw new BrokerError('quota_exceeded', 'KRL: more keys are revoked than a list can hold: delete some of blocked_keys')
  return fitting
}

/** Undefined: it does not fit. */
function coarser(krl: Krl, gapBits: number): FittingKrl | undefined {
  const joined = {
    ...krl,
    certificates: krl.certificates.map(one => ({ ...one, serials: joinedRanges(one.serials, 2n ** BigInt(gapBits)) }))
  }
  const body = encoded(joined)
  return body && { body, beside: serialCount(joined) - serialCount(krl) }
}

function encoded(krl: Krl): Buffer | undefined {
  try {
    return encodeKrl(krl)
  } catch (error) {
    if (error instanceof BrokerError && error.code === 'quota_exceeded') return undefined
    throw error
  }
}

function joinedRanges(ranges: readonly SerialRange[], gap: bigint): readonly SerialRange[] {
  const joined: { first: bigint; last: bigint }[] = []
  for (const { first, last } of ranges) {
    const before = joined.at(-1)
    if (before && first - before.last - 1n <= gap) before.last = last
    else joined.push({ first, last })
  }
  return joined
}

function serialCount({ certificates }: Krl): bigint {
  let count = 0n
  for (const { serials } of certificates) for (const { first, last } of serials) count += last - first + 1n
  return count
}

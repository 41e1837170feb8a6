import { bitmapBitsMax } from './krl.ts'
import type { SerialRange } from './serial-ranges.ts'

/** Runs that one section of the KRL holds. */
export interface SerialSection {
  readonly kind: 'list' | 'range' | 'bitmap'
  readonly runs: readonly SerialRange[]
}

// Bytes of each kind of section: type and length; for a bitmap its offset, the length of its bits, and the byte that rounding or the sign may cost.
const listBytes = 5
const serialBytes = 8
const rangeBytes = 21
const bitmapBytes = 18

const kinds = ['list', 'range', 'bitmap'] as const
const list = 0
const range = 1
const bitmap = 2
/** Beside the kind of the run before: goes on with its section. */
const extends_ = 3

type Costs = [list: number, range: number, bitmap: number]

/** The cheapest way to write these runs, found run by run: for each kind, the fewest bytes in which everything up to this run fits when this run is written that way. Only where the cap
 *  closes a bitmap can the result miss the very best by a few bytes. */
export function serialSections(runs: readonly SerialRange[]): readonly SerialSection[] {
  const cameFrom = Array.from({ length: 3 }, () => new Uint8Array(runs.length))
  let costs: Costs = [0, Infinity, Infinity]
  let bitmapStart = 0n
  for (const [at, run] of runs.entries()) {
    const before = cheapest(costs)
    const base = costs[before] ?? 0
    const bits = Number(run.last - run.first + 1n)
    const opened = base + bitmapBytes + bits / 8
    const extended = at > 0 && spans(bitmapStart, run.last) ? costs[bitmap] + Number(run.last - (runs[at - 1]?.last ?? 0n)) / 8 : Infinity
    const listed = at > 0 && costs[list] <= base + listBytes
    cameFrom[list]![at] = listed ? extends_ : before
    cameFrom[range]![at] = before
    cameFrom[bitmap]![at] = extended <= opened ? extends_ : before
    if (extended > opened) bitmapStart = run.first
    const listCost = (listed ? costs[list] : base + listBytes) + serialBytes * bits
    costs = [listCost, base + rangeBytes, bits > bitmapBitsMax ? Infinity : Math.min(extended, opened)]
  }
  return traced(runs, cameFrom, cheapest(costs))
}

/** Back from the cheapest end to the beginning. */
function traced(runs: readonly SerialRange[], cameFrom: readonly Uint8Array[], last: number): readonly SerialSection[] {
  const sections: SerialSection[] = []
  let kind = last
  let end = runs.length
  for (let at = runs.length - 1; at >= 0; at--) {
    const from = cameFrom[kind]![at]!
    if (from === extends_) continue
    sections.push({ kind: kinds[kind]!, runs: runs.slice(at, end) })
    end = at
    kind = from
  }
  return sections.toReversed()
}

function cheapest(costs: Costs): 0 | 1 | 2 {
  if (costs[list] <= costs[range] && costs[list] <= costs[bitmap]) return list
  return costs[range] <= costs[bitmap] ? range : bitmap
}

function spans(start: bigint, last: bigint): boolean {
  return last - start < BigInt(bitmapBitsMax)
}

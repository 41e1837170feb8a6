/** Inclusive at both ends. */
export interface SerialRange {
  readonly first: bigint
  readonly last: bigint
}

export const serialsMax = 2n ** 64n - 1n

/** Any serials and ranges as runs: ascending, with at least one serial between two of them. */
export function serialRanges(serials: Iterable<bigint>, ranges: Iterable<SerialRange> = []): readonly SerialRange[] {
  const all = [...ranges]
  for (const serial of serials) all.push({ first: serial, last: serial })
  for (const range of all) requireRange(range)
  all.sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
  return merged(all)
}

function merged(ascending: readonly SerialRange[]): readonly SerialRange[] {
  const runs: { first: bigint; last: bigint }[] = []
  for (const { first, last } of ascending) {
    const run = runs.at(-1)
    if (!run || first > run.last + 1n) runs.push({ first, last })
    else if (last > run.last) run.last = last
  }
  return runs
}

/** Zero never: sshd matches it never, and a list that holds it locks everybody out. */
function requireRange({ first, last }: SerialRange): void {
  if (first < 1n || last < first || last > serialsMax) throw new Error(`no range of serials: ${first} to ${last}`)
}

export function holdsSerial(ranges: readonly SerialRange[], serial: bigint): boolean {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const range = ranges[middle]
    if (!range || serial < range.first) high = middle
    else if (serial > range.last) low = middle + 1
    else return true
  }
  return false
}

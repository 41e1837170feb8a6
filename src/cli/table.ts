import { escapeButLines, escapeControl } from './escape-control.ts'

export interface TableFit {
  /** Of the terminal; without one every row is one line, however long. */
  readonly width?: number | undefined
  /** Titles of what gets lines of its own below each row where the rows are too long, the first to go first: what is copied stays whole. */
  readonly below?: readonly string[]
}

interface Grid {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

const gap = 4
const narrowGap = 2

// Narrower nobody reads a sentence.
const wrappedWidthMin = 16

/** Columns under their heads; every cell is one line. Where a terminal is too narrow for it, columns stand closer, then what `below` says moves below its row, then cells go on in further
 *  lines: only at blanks, so that every word can be copied. What does not fit even so is left to the terminal. */
export function table(head: readonly string[], rows: Grid['rows'], { width = Infinity, below = [] }: TableFit = {}): readonly string[] {
  const grid = { head, rows: rows.map(row => row.map(escapeControl)) }
  const natural = widthsOf(grid)
  if (total(natural, gap) <= width) return lined(grid, natural, gap)
  if (total(natural, narrowGap) <= width) return lined(grid, natural, narrowGap)
  for (let moved = Math.min(1, below.length); ; moved++) {
    const { upper, lower } = parted(grid, below.slice(0, moved))
    const widths = narrowed(upper, width)
    if (total(widths, narrowGap) <= width || moved >= below.length) return interleaved(upper, widths, lower, width)
  }
}

function widthsOf({ head, rows }: Grid): readonly number[] {
  return head.map((title, column) => rows.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), title.length))
}

function total(widths: readonly number[], between: number): number {
  return widths.reduce((sum, width) => sum + width, 0) + between * (widths.length - 1)
}

/** A grid without some of its columns, and these by themselves. */
function parted({ head, rows }: Grid, titles: readonly string[]): { readonly upper: Grid; readonly lower: Grid } {
  const pick = (moved: boolean) => {
    const columns = [...head.keys()].filter(column => titles.includes(head[column]!) === moved)
    const of = (row: readonly string[]) => columns.map(column => row[column] ?? '')
    return { head: of(head), rows: rows.map(of) }
  }
  return { upper: pick(false), lower: pick(true) }
}

/** The widest give way, down to their longest word. */
function narrowed(grid: Grid, width: number): readonly number[] {
  const widths = [...widthsOf(grid)]
  const least = grid.head.map((title, column) =>
    grid.rows.reduce((most, row) => Math.max(most, longestWord(row[column] ?? '')), Math.max(wrappedWidthMin, title.length))
  )
  for (let over = total(widths, narrowGap) - width; over > 0; over--) {
    const [widest] = [...widths.keys()].filter(column => widths[column]! > least[column]!).toSorted((a, b) => widths[b]! - widths[a]!)
    if (widest === undefined) break
    widths[widest]!--
  }
  return widths
}

function longestWord(text: string): number {
  return Math.max(...text.split(' ').map(word => word.length))
}

function lined(grid: Grid, widths: readonly number[], between: number): readonly string[] {
  return [...headOf(grid, widths, between), ...grid.rows.map(row => line(row, widths, between))]
}

function headOf({ head }: Grid, widths: readonly number[], between: number, ...under: readonly string[]): readonly string[] {
  const dashes = head.map(title => '-'.repeat(title.length))
  return [line(head, widths, between), ...under, line(dashes, widths, between)]
}

function interleaved(upper: Grid, widths: readonly number[], lower: Grid, width: number): readonly string[] {
  const titles = lower.head.map(title => `  ${title}`)
  const body = upper.rows.flatMap((row, index) => [
    ...wrappedRow(row, widths),
    ...lower.rows[index]!.flatMap(cell => wrapped(cell, width - narrowGap)).map(text => `  ${text}`)
  ])
  return [...headOf(upper, widths, narrowGap, ...titles), ...body]
}

function wrappedRow(row: readonly string[], widths: readonly number[]): readonly string[] {
  const cells = row.map((cell, column) => wrapped(cell, widths[column] ?? 0))
  const height = Math.max(...cells.map(lines => lines.length))
  return Array.from({ length: height }, (_, index) =>
    line(
      cells.map(lines => lines[index] ?? ''),
      widths,
      narrowGap
    )
  )
}

/** At blanks only. */
function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

function line(cells: readonly string[], widths: readonly number[], between: number): string {
  return cells
    .map((cell, column) => cell.padEnd(widths[column] ?? 0))
    .join(' '.repeat(between))
    .trimEnd()
}

/** A text, or lines that stand below their key. */
export type FieldText = string | readonly string[]

/** Keys and values. A value of several lines (a certificate) goes on below itself, and what has keys of its own below its key, so that no line of it reads as another key. */
export function keyValueTable(pairs: readonly (readonly [string, FieldText])[]): readonly string[] {
  const all = [['Key', 'Value'] as const, ['---', '-----'] as const, ...pairs.map(([key, value]) => [escapeControl(key), value] as const)]
  const width = Math.max(...all.filter(([, value]) => typeof value === 'string').map(([key]) => key.length)) + gap
  return all.flatMap(([key, value]) => {
    if (typeof value !== 'string') return [key, ...value.map(text => `  ${escapeControl(text)}`)]
    const [first = '', ...rest] = escapeButLines(value).trimEnd().split('\n')
    return [`${key.padEnd(width)}${first}`, ...rest.map(text => `${' '.repeat(width)}${text}`)].map(text => text.trimEnd())
  })
}

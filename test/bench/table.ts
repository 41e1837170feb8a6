import process from 'node:process'

export type Row = Readonly<Record<string, string>>

/** Lines of text: a title, the columns' names, the rows. */
export function printTable(title: string, rows: readonly Row[]): void {
  const names = Object.keys(rows[0] ?? {})
  const widths = names.map(name => Math.max(name.length, ...rows.map(row => row[name]!.length)))
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ')
  const text = [
    `\n${title}`,
    line(names),
    line(widths.map(width => '-'.repeat(width))),
    ...rows.map(row => line(names.map(name => row[name]!)))
  ]
  process.stdout.write(`${text.join('\n')}\n`)
}

export function perSecond(rate: number): string {
  return `${Math.round(rate)}/s`
}

/** `0.71 ≥ 0.6 ok`: what was measured beside what was promised. */
export function atLeast(value: number, goal: number): string {
  return `${shown(value)} ≥ ${goal} ${value >= goal ? 'ok' : 'MISSED'}`
}

export function atMost(value: number, goal: number): string {
  return `${shown(value)} ≤ ${goal} ${value <= goal ? 'ok' : 'MISSED'}`
}

function shown(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : value.toFixed(2)
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

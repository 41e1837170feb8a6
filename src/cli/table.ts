import { escapeButLines, escapeControl } from './escape-control.ts'

/** Columns under their heads; every cell is one line. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const cells = [head, head.map(title => '-'.repeat(title.length)), ...rows.map(row => row.map(escapeControl))]
  const widths = head.map((_, column) => Math.max(...cells.map(row => row[column]?.length ?? 0)))
  return cells.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('    ')
      .trimEnd()
  )
}

/** Keys and values. A value of several lines (a certificate) goes on below itself, so that no line of it reads as another key. */
export function keyValueTable(pairs: readonly (readonly [string, string])[]): readonly string[] {
  const all = [['Key', 'Value'] as const, ['---', '-----'] as const, ...pairs.map(([key, value]) => [escapeControl(key), value] as const)]
  const width = Math.max(...all.map(([key]) => key.length)) + 4
  return all.flatMap(([key, value]) => {
    const [first = '', ...rest] = escapeButLines(value).trimEnd().split('\n')
    return [`${key.padEnd(width)}${first}`, ...rest.map(line => `${' '.repeat(width)}${line}`)].map(line => line.trimEnd())
  })
}

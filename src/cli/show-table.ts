import type { Invocation } from './invocation.ts'
import { table } from './table.ts'

/** Of commands that show a table. */
export const wideOption = { '--wide': 'every row in one line, however narrow the terminal' }

/** A table as the terminal has room for it. `below`: what may go below its row there. */
export function showTable(
  { typed, terminal }: Invocation,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  below: readonly string[] = []
): void {
  terminal.lines(table(head, rows, { width: typed.flag('wide') ? undefined : terminal.columns, below }))
}

import type { Envelope } from '../client/envelope.ts'
import type { Invocation } from './invocation.ts'
import { table } from './table.ts'

/** The keys of a list. */
export function showKeys({ terminal }: Invocation, { data }: Envelope): void {
  const keys = data?.['keys']
  const names = Array.isArray(keys) ? keys.map(String) : []
  if (terminal.format === 'json') terminal.json(names)
  else
    terminal.lines(
      table(
        ['Keys'],
        names.map(name => [name])
      )
    )
}

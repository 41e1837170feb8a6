import type { Envelope } from '../client/envelope.ts'
import type { JsonObject } from '../contracts/index.ts'
import { cell } from './cell.ts'
import type { Invocation } from './invocation.ts'
import { replyFields } from './reply-fields.ts'
import { isNested, nestedLines } from './nested-lines.ts'
import { keyValueTable } from './table.ts'
import { UsageError } from './usage-error.ts'

/** A reply as the user asked for it: one field, the envelope as JSON, or a table. */
export function showReply(invocation: Invocation, envelope: Envelope): void {
  showFields(invocation, replyFields(envelope), envelope)
}

/** `json` is what `--format json` shows; `fields` is what a table shows and `--field` picks from. */
export function showFields({ typed, terminal }: Invocation, fields: JsonObject, json: unknown): void {
  const name = typed.text('field')
  if (name === undefined && terminal.format === 'json') return terminal.json(json)
  if (name === undefined)
    return terminal.lines(
      keyValueTable(Object.entries(fields).map(([key, value]) => [key, isNested(value) ? nestedLines(value) : cell(key, value, fields)]))
    )
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (value === undefined) throw new UsageError(`no field ${name} in the reply; it has ${Object.keys(fields).join(', ') || 'none'}`)
  if (terminal.format === 'json') return terminal.json(value)
  return terminal.value(typeof value === 'string' ? value : JSON.stringify(value))
}

import { BrokerError } from '../contracts/index.ts'
import type { JsonObject } from '../contracts/index.ts'

/** The fields of a request without a body, and the words that change what it is. */
export interface WireQuery {
  readonly fields: JsonObject
  readonly list: boolean
  readonly scan: boolean
  readonly help: boolean
}

const nothing: WireQuery = { fields: {}, list: false, scan: false, help: false }

const fieldsMax = 1_000

/** `list`, `scan` and `help` are no fields. A field that comes twice is a list. */
export function readQuery(query: string): WireQuery {
  if (query === '') return nothing
  const fields: Record<string, string | string[]> = {}
  const flags: Record<string, string> = {}
  let count = 0
  for (const [name, value] of new URLSearchParams(query)) {
    if (++count > fieldsMax) throw new BrokerError('invalid_request', 'the query has too many fields')
    if (name === 'list' || name === 'scan' || name === 'help') flags[name] ??= value
    else add(fields, name, value)
  }
  return { fields, list: isTrue('list', flags['list']), scan: isTrue('scan', flags['scan']), help: Boolean(flags['help']) }
}

function add(fields: Record<string, string | string[]>, name: string, value: string): void {
  // Assigning to it would change the object's prototype instead.
  if (name === '__proto__') throw new BrokerError('invalid_request', 'the field name __proto__ is refused')
  const before = Object.hasOwn(fields, name) ? fields[name] : undefined
  fields[name] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value]
}

/** The spellings of Go's `ParseBool`. Empty is unset. */
function isTrue(name: string, value: string | undefined): boolean {
  switch (value) {
    case '1':
    case 't':
    case 'T':
    case 'true':
    case 'TRUE':
    case 'True':
      return true
    case undefined:
    case '':
    case '0':
    case 'f':
    case 'F':
    case 'false':
    case 'FALSE':
    case 'False':
      return false
    default:
      throw new BrokerError('invalid_request', `the query field ${name} is neither true nor false`)
  }
}

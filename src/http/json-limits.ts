import { BrokerError } from '../contracts/index.ts'

// Those of the wire. Entries and elements are counted over the whole body, so that limits times limits are not a limit.
const depthMax = 300
const entriesMax = 10_000
const stringBytesMax = 1_048_576

const quote = 0x22
const backslash = 0x5c

/** One look at the bytes before anything is parsed: V8 parses 5,000,000 nested arrays, and whatever walks them later overflows the stack. Stops at the first
 *  excess. Returns how many keys the text has, so that the parsed value shows whether one was given twice. */
export function checkJsonLimits(body: Uint8Array): number {
  let depth = 0
  let entries = 0
  let keys = 0
  for (let i = 0; i < body.length; i++) {
    switch (body[i]) {
      case quote:
        i = endOfString(body, i)
        break
      case 0x7b: // {
      case 0x5b: // [
        if (++depth > depthMax) throw tooComplex(`nested deeper than ${depthMax}`)
        break
      case 0x7d: // }
      case 0x5d: // ]
        depth--
        break
      case 0x3a: // :
        keys++
        break
      case 0x2c: // ,
        if (++entries > entriesMax) throw tooComplex(`more than ${entriesMax} entries`)
        break
      case undefined:
      default:
    }
  }
  return keys
}

/** The place of the closing quote, or of the end. */
function endOfString(body: Uint8Array, start: number): number {
  const limit = Math.min(body.length, start + stringBytesMax + 2)
  let i = start + 1
  for (; i < limit; i++) {
    const byte = body[i]
    if (byte === quote) return i
    if (byte === backslash) i++
  }
  if (i < body.length) throw tooComplex(`a string longer than ${stringBytesMax} bytes`)
  return body.length
}

function tooComplex(why: string): BrokerError {
  return new BrokerError('invalid_request', `refused JSON input due to high complexity: ${why}`)
}

/** The path of a request, parsed once and by ourselves. What is authorized is what is routed: both work on this text, and nothing decodes it again.
 *
 *  `new URL` would normalise some spellings of `..` and keep others, and read a host out of `//h/x`; `decodeURIComponent` of the whole would turn `%2f` into a
 *  separator. So: cut at the first `?`, split at raw `/`, decode each segment once, refuse what two readers could read differently. */
import { BrokerError } from '../contracts/index.ts'

export interface WirePath {
  /** Below `/v1/`, runs of slashes collapsed, no slash at the end. */
  readonly path: string
  /** The caller wrote a slash at the end: a folder, which cannot be written. */
  readonly folder: boolean
  /** Behind the first `?`, still encoded. */
  readonly query: string
}

export const prefix = '/v1/'

// The longest path of the wire is a lease id below sys/leases/revoke/. Names are at most 128 long.
const pathCharsMax = 4_096
const segmentsMax = 256

/** `target` begins with `/v1/`. Throws `invalid_request`. */
export function readPath(target: string): WirePath {
  const mark = target.indexOf('?')
  const end = mark < 0 ? target.length : mark
  const query = mark < 0 ? '' : target.slice(mark + 1)
  if (end - prefix.length > pathCharsMax * 3) throw malformed('the path is too long')
  const folder = target.charCodeAt(end - 1) === slash
  const path = isPlain(target, end) ? target.slice(prefix.length, folder ? end - 1 : end) : decode(target.slice(prefix.length, end))
  if (path.length > pathCharsMax) throw malformed('the path is too long')
  return { path, folder, query }
}

const slash = 0x2f
const dot = 0x2e

// Nearly every path is made of these alone, and needs no second look. 1: ordinary.
const ordinary = new Uint8Array(128)
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~@:+,=/') ordinary[character.charCodeAt(0)] = 1

/** Nothing to decode, to collapse or to refuse. */
function isPlain(target: string, end: number): boolean {
  let before = slash
  let segments = 1
  for (let i = prefix.length; i < end; i++) {
    const code = target.charCodeAt(i)
    if (code >= 128 || ordinary[code] === 0) return false
    if (code === slash) {
      if (before === slash || before === dot || ++segments > segmentsMax) return false
    }
    before = code
  }
  return before !== dot
}

/** Runs of slashes collapse (clients send `/v1//path` and `/v1/a//b`), then each segment is decoded. */
function decode(raw: string): string {
  const segments = raw.split('/').filter(segment => segment !== '')
  if (segments.length > segmentsMax) throw malformed('the path has too many segments')
  return segments.map(decodeSegment).join('/')
}

function decodeSegment(raw: string): string {
  const text = percentDecoded(raw)
  if (text === '.' || text === '..') throw malformed('relative paths not supported')
  if (forbidden.test(text)) throw malformed('the path has a character that is not allowed')
  if (text.startsWith(' ') || text.endsWith(' ') || text.endsWith('.'))
    throw malformed('a part of the path begins with a space or ends in a space or a dot')
  // Full-width letters, ligatures and the Kelvin sign look like another name: refused, never folded.
  if (text.normalize('NFKC') !== text) throw malformed('the path is not in its canonical Unicode form')
  return text
}

// A separator in disguise, control characters, what is invisible or turns the direction of writing, spaces other than the plain one.
const forbidden = /[/\\\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/u

function percentDecoded(raw: string): string {
  if (raw.includes('#')) throw malformed('the path has a fragment')
  if (!raw.includes('%')) return raw
  try {
    return decodeURIComponent(raw)
  } catch {
    throw malformed('the path is not valid percent-encoded UTF-8')
  }
}

function malformed(message: string): BrokerError {
  return new BrokerError('invalid_request', message)
}

/** What a template may call, and nothing else. Each as in the templates of the wire; those of Go's own language as far as they can stand in a name. */
import { createHash } from 'node:crypto'
import { BrokerError } from 'mayfly/plugin'
import type { Random } from 'mayfly/plugin'
import { matchesGlob } from '../../connection/glob.ts'
import { randomText } from '../../creds/random-text.ts'
import { cut, digested, joined, merged, plain } from './chance-text.ts'
import type { ChanceText } from './chance-text.ts'
import { goTime } from './go-time.ts'

export type Value = ChanceText | number | boolean

/** `size`: a number that is written out, so that it can be judged when the template is written. */
export type Kind = 'text' | 'size' | 'any'

export interface World {
  readonly now: Temporal.Instant
  readonly random: Random
}

export interface TemplateFunction {
  readonly takes: readonly Kind[]
  /** And more of this kind, as many as there are. */
  readonly more?: Kind
  readonly gives: 'text' | 'boolean'
  /** The smallest and the largest size. */
  readonly sizes?: readonly [number, number]
  /** It draws: what asks a question must not hang on it. */
  readonly chance?: true
  /** It asks a question of its arguments. */
  readonly asks?: true
  readonly run: (given: readonly Value[], world: World) => Value
}

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const base62Bits = Math.log2(base62.length)
// A hex digit holds four: a digest that is full holds some sources twice.
const digestBits = 3
const sizeMax = 256

const text = (run: (only: ChanceText, world: World) => ChanceText): TemplateFunction => ({
  takes: ['text'],
  gives: 'text',
  run: ([only], world) => run(only as ChanceText, world)
})
const sized = (sizes: readonly [number, number], run: (size: number, of: ChanceText) => ChanceText): TemplateFunction => ({
  takes: ['size', 'text'],
  gives: 'text',
  sizes,
  run: ([size, of]) => run(size as number, of as ChanceText)
})
const moment = (run: (world: World) => string): TemplateFunction => ({ takes: [], gives: 'text', run: (_, world) => plain(run(world)) })
const question = (takes: readonly Kind[], run: (given: readonly Value[]) => boolean): TemplateFunction => ({
  takes,
  gives: 'boolean',
  asks: true,
  run
})
const questionOfMore = (takes: readonly Kind[], run: (given: readonly Value[]) => boolean): TemplateFunction => ({
  ...question(takes, run),
  more: 'any'
})

export const templateFunctions: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  [
    'random',
    { takes: ['size'], gives: 'text', sizes: [1, sizeMax], chance: true, run: ([size], { random }) => drawn(random, size as number) }
  ],
  ['uuid', { takes: [], gives: 'text', chance: true, run: (_, { random }) => uuid(random) }],
  ['truncate', sized([1, sizeMax], (size, of) => cut(of, size))],
  ['truncate_sha256', sized([9, sizeMax], truncateSha256)],
  ['uppercase', text(of => merged(of, of.text.toUpperCase()))],
  ['lowercase', text(of => merged(of, of.text.toLowerCase()))],
  [
    'replace',
    { takes: ['text', 'text', 'text'], gives: 'text', run: given => replaced(...(given as [ChanceText, ChanceText, ChanceText])) }
  ],
  ['sha256', text(of => digested(of, sha256(of.text), digestBits))],
  ['hex', text(hex)],
  ['decode_hex', text(({ text }) => plain(decoded('decode_hex', text, 'hex')))],
  ['base64', text(base64)],
  ['decode_base64', text(({ text }) => plain(decoded('decode_base64', text, 'base64')))],
  ['unix_time', moment(({ now }) => String(Math.floor(now.epochMilliseconds / 1_000)))],
  ['unix_time_millis', moment(({ now }) => String(now.epochMilliseconds))],
  ['timestamp', text((layout, { now }) => plain(goTime(now, layout.text)))],
  ['printf', { takes: ['text'], more: 'any', gives: 'text', run: printf }],
  ['glob', question(['text', 'text'], ([pattern, value]) => matchesGlob((pattern as ChanceText).text, (value as ChanceText).text))],
  ['eq', questionOfMore(['any', 'any'], ([first, ...rest]) => rest.some(one => bare(one) === bare(first!)))],
  ['ne', question(['any', 'any'], ([one, other]) => bare(one!) !== bare(other!))],
  ['and', questionOfMore(['any'], given => given.every(isTrue))],
  ['or', questionOfMore(['any'], given => given.some(isTrue))],
  ['not', question(['any'], ([only]) => !isTrue(only!))]
])

/** As Go has it: an empty text and 0 are false. */
export function isTrue(value: Value): boolean {
  return typeof value === 'object' ? value.text !== '' : Boolean(value)
}

const bare = (value: Value): string | number | boolean => (typeof value === 'object' ? value.text : value)

const bytes = (latin: string): Buffer => Buffer.from(latin, 'latin1')
const sha256 = (latin: string): string => createHash('sha256').update(bytes(latin)).digest('hex')

function drawn(random: Random, length: number): ChanceText {
  return { text: randomText(random, base62, length), bits: Array.from({ length }, () => base62Bits) }
}

/** RFC 9562, version 4: of its 32 digits one is fixed and one has two bits. */
function uuid(random: Random): ChanceText {
  const octets = Buffer.from(random.bytes(16))
  octets[6] = (octets[6]! & 0x0f) | 0x40
  octets[8] = (octets[8]! & 0x3f) | 0x80
  const text = octets.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  return { text, bits: text.split('').map((one, at) => (one === '-' || at === 14 ? 0 : at === 19 ? 2 : 4)) }
}

/** The last eight characters are a digest of all that was cut off. */
function truncateSha256(size: number, of: ChanceText): ChanceText {
  if (of.text.length <= size) return of
  const kept = cut(of, size - 8)
  const rest = { text: of.text.slice(size - 8), bits: of.bits.slice(size - 8) }
  return joined([kept, digested(rest, sha256(rest.text).slice(0, 8), digestBits)])
}

/** What is random is written in letters and digits, and in `+/=`: finding those makes different names alike, and then nothing counts as random any more. */
function replaced(find: ChanceText, put: ChanceText, of: ChanceText): ChanceText {
  if (find.text === '') throw refusal('replace: nothing to find')
  const pieces: ChanceText[] = []
  const counts = !/[A-Za-z0-9+/=]/.test(find.text)
  let at = 0
  for (let found = of.text.indexOf(find.text); found >= 0; found = of.text.indexOf(find.text, at)) {
    pieces.push(part(of, at, found), plain(put.text))
    at = found + find.text.length
  }
  const all = joined([...pieces, part(of, at, of.text.length)])
  return counts ? all : plain(all.text)
}

const part = ({ text, bits }: ChanceText, from: number, to: number): ChanceText => ({
  text: text.slice(from, to),
  bits: bits.slice(from, to)
})

/** A character counts when both its digits are there. */
function hex({ text, bits }: ChanceText): ChanceText {
  return { text: bytes(text).toString('hex'), bits: bits.flatMap(one => [0, one]) }
}

/** A character counts when its last bit is there. What is no letter or digit becomes `_` in a name: a bit less. */
function base64({ text, bits }: ChanceText): ChanceText {
  const encoded = bytes(text).toString('base64')
  const spread = Array.from({ length: encoded.length }, () => 0)
  for (const [at, one] of bits.entries()) spread[Math.floor(at / 3) * 4 + (at % 3) + 1]! += one
  return merged({ text: encoded, bits: spread }, encoded)
}

function decoded(name: string, text: string, encoding: 'hex' | 'base64'): string {
  const isEncoded = encoding === 'hex' ? /^(?:[0-9A-Fa-f]{2})*$/.test(text) : /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0
  if (!isEncoded) throw refusal(`${name}: what it is given is not ${encoding}`)
  return Buffer.from(text, encoding).toString('latin1')
}

/** `%s`, `%d` and `%v`, counted when the template was read. */
function printf([format, ...given]: readonly Value[]): ChanceText {
  let next = 0
  const pieces = (format as ChanceText).text.split(/(%.)/).map(piece => {
    if (!/^%.$/.test(piece)) return plain(piece)
    if (piece === '%%') return plain('%')
    const value = given[next++]!
    return typeof value === 'object' ? value : plain(String(value))
  })
  return joined(pieces)
}

const refusal = (message: string): BrokerError => new BrokerError('invalid_request', message)

/** A policy's text in the one form that everybody's editor agrees on: two spaces a level, `=` in columns, one entry a line, comments kept. */
import { BrokerError } from '../contracts/errors.ts'
import { parseHcl } from './parse-hcl.ts'
import type { HclObject } from './parse-hcl.ts'

type Kind = 'comment' | 'text' | 'open' | 'close' | '=' | ',' | 'word'

interface Piece {
  readonly kind: Kind
  readonly text: string
  /** Line feeds before it, at most two. */
  readonly breaks: number
}

// What the parser takes, cut in the same places, with the comments that it drops.
const piece = /([ \t\r\n]*)(?:(#[^\n]*|\/\/[^\n]*|\/\*[^]*?\*\/)|("(?:[^"\\]|\\.)*")|([{[])|([}\]])|(=)|(,)|([^\s{}[\]=,"#]+))/gy

/** Rejects what is neither HCL nor JSON, in the words of the parser. Whether it is a policy as well is not asked. */
export function formatPolicy(text: string): string {
  const before = parseHcl(text)
  const body = text.startsWith('\ufeff') ? text.slice(1) : text
  const formatted = body.trimStart().startsWith('{') ? formatJson(body) : formatHcl(body)
  // A key that is there twice is two rules to a policy and one to JSON: a `deny` could vanish that way.
  if (meaning(parseHcl(formatted)) !== meaning(before))
    throw new BrokerError('invalid_request', 'the policy cannot be formatted without another meaning: is a key there twice?')
  return formatted
}

const formatJson = (text: string): string => `${JSON.stringify(JSON.parse(text), null, 2)}\n`

function formatHcl(text: string): string {
  const lines = aligned(laidOut(cut(text)))
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`
}

const meaning = (object: HclObject): string => JSON.stringify(object, (key, value: unknown) => (key === 'line' ? undefined : value))

const kinds: readonly Kind[] = ['comment', 'text', 'open', 'close', '=', ',', 'word']

function cut(text: string): readonly Piece[] {
  return [...text.matchAll(piece)].map(([, space = '', ...groups]) => {
    const index = groups.findIndex(group => group !== undefined)
    return { kind: kinds[index]!, text: (groups[index] ?? '').trimEnd(), breaks: Math.min(2, space.split('\n').length - 1) }
  })
}

interface Line {
  readonly depth: number
  text: string
  /** Where the `=` of an assignment stands. */
  assign?: number
}

interface Open {
  readonly brace: boolean
  readonly broken: boolean
}

/** Where lines begin: after a brace and before its end, for each entry, and for the items of a list that was broken already. */
function laidOut(pieces: readonly Piece[]): readonly (Line | undefined)[] {
  const lines: (Line | undefined)[] = []
  const open: Open[] = []
  let line: Line | undefined
  const begin = (blank: boolean) => {
    if (blank && lines.length > 0) lines.push(undefined)
    line = { depth: open.length, text: '' }
    lines.push(line)
    return line
  }
  for (const [i, part] of pieces.entries()) {
    const before = pieces[i - 1]
    const inside = open.at(-1)
    if (part.kind === 'close') open.pop()
    if (part.kind === ',' && inside?.brace) continue
    if (!line || startsLine(pieces, i, inside)) begin(isApart(part, before, open.length))
    add(line!, part, before)
    if (part.kind === 'open') open.push({ brace: part.text === '{', broken: part.text === '{' ? !isEmpty(pieces, i) : isBroken(pieces, i) })
  }
  return lines
}

/** What was apart stays apart, and rules always are. */
function isApart(part: Piece, before: Piece | undefined, depth: number): boolean {
  if (part.kind === 'close' || before?.kind === 'open') return false
  return part.breaks > 1 || (depth === 0 && before?.kind === 'close')
}

function startsLine(pieces: readonly Piece[], i: number, inside: Open | undefined): boolean {
  const [part, before] = [pieces[i]!, pieces[i - 1]!]
  if (part.kind === 'comment') return part.breaks > 0
  if (before.kind === 'comment') return part.breaks > 0 || !before.text.startsWith('/*')
  if (part.kind === ',' || part.kind === '=') return false
  if (before.kind === 'open' || part.kind === 'close') return inside?.broken ?? false
  if (inside && !inside.brace) return inside.broken && before.kind === ','
  return (part.kind === 'word' || part.kind === 'text') && endsEntry(pieces, i)
}

/** `path "x"` goes on; a value and a brace have ended. */
function endsEntry(pieces: readonly Piece[], i: number): boolean {
  const before = pieces[i - 1]!
  if (before.kind === '=') return false
  return before.kind === 'close' || before.kind === ',' || pieces[i - 2]?.kind === '=' || pieces[i]!.breaks > 0
}

function add(line: Line, part: Piece, before: Piece | undefined): void {
  if (part.kind === '=') line.assign ??= line.text.length
  const tight =
    line.text === '' ||
    part.kind === ',' ||
    (before?.text === '[' && part.kind !== 'comment') ||
    part.text === ']' ||
    (part.text === '}' && before?.text === '{')
  line.text += `${tight ? '' : ' '}${part.text}`
}

const isEmpty = (pieces: readonly Piece[], i: number) => pieces[i + 1]?.kind === 'close'

/** Somebody broke this list into lines, or a comment in it makes it so. */
function isBroken(pieces: readonly Piece[], i: number): boolean {
  let depth = 0
  for (let at = i; at < pieces.length; at++) {
    const part = pieces[at]!
    if (part.kind === 'open') depth++
    else if (depth > 0 && (part.breaks > 0 || (part.kind === 'comment' && !part.text.startsWith('/*')))) return true
    if (part.kind === 'close' && --depth === 0) return false
  }
  return false
}

/** Assignments that follow each other have their `=` in one column; one that opens a block or a broken list stands alone. */
function aligned(lines: readonly (Line | undefined)[]): readonly string[] {
  const out: string[] = []
  for (let i = 0; i < lines.length;) {
    let end = i + 1
    if (isOneLine(lines[i])) while (isOneLine(lines[end]) && lines[end]!.depth === lines[i]!.depth) end++
    const group = lines.slice(i, end)
    const column = Math.max(...group.map(line => line?.assign ?? 0))
    for (const line of group) out.push(line ? '  '.repeat(line.depth) + spread(line, isOneLine(line) ? column : 0) : '')
    i = end
  }
  return out
}

const isOneLine = (line: Line | undefined) => line?.assign !== undefined && !/[{[]$/.test(line.text)

function spread({ text, assign }: Line, column: number): string {
  return assign === undefined || column <= assign ? text : text.slice(0, assign) + ' '.repeat(column - assign) + text.slice(assign)
}

import { refuseTemplate, shownWord } from './refuse-template.ts'

/** A piece of a template, with the character at which it begins. */
export type Token =
  | { readonly kind: 'literal'; readonly text: string; readonly at: number }
  | { readonly kind: 'open' | 'close' | '(' | ')' | '|' | 'end'; readonly at: number }
  | { readonly kind: 'word' | 'field' | 'text'; readonly text: string; readonly at: number }
  | { readonly kind: 'number'; readonly value: number; readonly at: number }

// Some ten times what a name can show of one.
const templateCharsMax = 1_024

const blank = /[ \t\r\n]+/y
const word = /[A-Za-z_]\w*/y
const field = /\.[A-Za-z_]\w*/y
const number = /\d{1,6}(?![\w.])/y
const quotedText = /"(?:[^"\\\n]|\\["\\])*"/y
const rawText = /`[^`]*`/y
const sign = /[()|]/y

/** Cuts a template into literal text and the tokens of its actions, `{{-` and `-}}` applied. Everything that Go's language has beyond the subset ends here. */
export function scanTemplate(text: string): readonly Token[] {
  if (text.length > templateCharsMax) throw refuseTemplate(templateCharsMax, `longer than ${templateCharsMax} characters`)
  const odd = text.search(/[^\t\r\n\x20-\x7e]/)
  if (odd >= 0) throw refuseTemplate(odd, 'only ASCII is taken')
  const tokens: Token[] = []
  let at = 0
  for (;;) {
    const opening = text.indexOf('{{', at)
    const literal = opening < 0 ? text.slice(at) : text.slice(at, opening)
    const trimmed = opening >= 0 && isTrimmingOpen(text, opening) ? literal.trimEnd() : literal
    if (trimmed !== '') tokens.push({ kind: 'literal', text: trimmed, at })
    if (opening < 0) return [...tokens, { kind: 'end', at: text.length }]
    at = scanAction(text, opening, tokens)
  }
}

const isTrimmingOpen = (text: string, opening: number): boolean => /^\{\{-[ \t\r\n]/.test(text.slice(opening, opening + 4))

/** Where the text goes on after the action that opens at `opening`. */
function scanAction(text: string, opening: number, tokens: Token[]): number {
  let at = opening + (isTrimmingOpen(text, opening) ? 3 : 2)
  tokens.push({ kind: 'open', at: opening })
  for (;;) {
    at = after(blank, text, at)
    if (text.startsWith('}}', at)) return closed(tokens, at, at + 2)
    if (text.startsWith('-}}', at) && /[ \t\r\n]/.test(text.charAt(at - 1))) return closed(tokens, at, after(blank, text, at + 3))
    const [token, next] = scanToken(text, at)
    tokens.push(token)
    at = next
  }
}

function closed(tokens: Token[], at: number, next: number): number {
  tokens.push({ kind: 'close', at })
  return next
}

function scanToken(text: string, at: number): [Token, number] {
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    return pattern.exec(text)?.[0]
  }
  const found = take(word)
  if (found !== undefined) return [{ kind: 'word', text: found, at }, at + found.length]
  const named = take(field)
  if (named !== undefined) return [{ kind: 'field', text: named, at }, at + named.length]
  const digits = take(number)
  if (digits !== undefined) return [{ kind: 'number', value: Number(digits), at }, at + digits.length]
  const quoted = take(quotedText)
  if (quoted !== undefined) return [{ kind: 'text', text: quoted.slice(1, -1).replaceAll(/\\(["\\])/g, '$1'), at }, at + quoted.length]
  const raw = take(rawText)
  if (raw !== undefined) return [{ kind: 'text', text: raw.slice(1, -1), at }, at + raw.length]
  const one = take(sign)
  if (one !== undefined) return [{ kind: one as '(' | ')' | '|', at }, at + 1]
  throw refuseTemplate(at, whatStops(text, at))
}

function whatStops(text: string, at: number): string {
  if (at >= text.length) return 'an action without }}'
  if (text.startsWith('/*', at)) return 'comments are not supported'
  if (text.charAt(at) === '$') return 'variables are not supported'
  if (text.charAt(at) === '"') return 'a text in quotes without an end, or with an escape other than \\" and \\\\'
  if (text.charAt(at) === '`') return 'a text in backquotes without an end'
  if (/\d/.test(text.charAt(at))) return 'a number that is no whole number below 1,000,000'
  return `unexpected ${shownWord(text.charAt(at)) === '(not shown)' ? 'character' : shownWord(text.charAt(at))}`
}

function after(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return at + (pattern.exec(text)?.[0].length ?? 0)
}

/** Reads a template as the server would, so far as to know in what each placeholder stands. The server reads with `standard_conforming_strings` on: every
 *  session of ours says so. */
import { BrokerError } from 'mayfly/plugin'

export type Context =
  /** Nothing around it. */
  | 'bare'
  /** `"…"` */
  | 'identifier'
  /** `'…'` */
  | 'literal'

export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'placeholder'; readonly name: string; readonly context: Context }
  /** `$tag$ … $tag$`: its body is SQL again. */
  | { readonly kind: 'dollar'; readonly tag: string; readonly body: readonly Piece[] }
  /** `;` outside of everything. */
  | { readonly kind: 'end' }
  /** A word outside of everything, for who looks for transaction control. */
  | { readonly kind: 'word'; readonly text: string }

const word = /[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/y
const number = /[0-9][A-Za-z0-9_.]*/y
const dollarTag = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y
const placeholder = /\{\{([^{}]*)\}\}/y
const lineComment = /--[^\n\r]*/y
// A literal goes on after white space with a line end in it, in the mode that it began in.
const continuation = /\s*[\n\r]\s*'/y

export function readSql(text: string): readonly Piece[] {
  return new Lexer(text).pieces()
}

class Lexer {
  readonly #text: string
  readonly #pieces: Piece[] = []
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  pieces(): readonly Piece[] {
    while (this.#at < this.#text.length) this.#next()
    return this.#pieces
  }

  #next(): void {
    const [here, two] = [this.#text[this.#at]!, this.#text.slice(this.#at, this.#at + 2)]
    if (two === '--') return this.#keep(this.#match(lineComment)!)
    if (two === '/*') return this.#blockComment()
    if (two === '{{') return this.#placeholder('bare')
    if (here === "'") return this.#quoted("'", 'literal')
    if (here === '"') return this.#quoted('"', 'identifier')
    if (here === '$') return this.#dollar()
    if (here === ';') return this.#end()
    const name = this.#match(word)
    if (name !== undefined) return this.#word(name)
    this.#keep(this.#match(number) ?? this.#take(1))
  }

  #word(name: string): void {
    const prefix = name.toLowerCase()
    const next = this.#text[this.#at]
    if (next === "'" && ['e', 'b', 'x'].includes(prefix)) return this.#closed(name, "'", prefix === 'e')
    const unicode = prefix === 'u' && next === '&' ? this.#text[this.#at + 1] : undefined
    if (unicode === "'" || unicode === '"') return this.#closed(name + this.#take(1), unicode, false)
    this.#pieces.push({ kind: 'word', text: name })
  }

  /** `E'…'`, `U&'…'`, `X'…'`: escapes of their own, so nothing can be put in safely. */
  #closed(prefix: string, quote: "'" | '"', backslash: boolean): void {
    const start = this.#at
    this.#take(1)
    this.#skipTo(quote, backslash)
    if (quote === "'") while (this.#match(continuation) !== undefined) this.#skipTo(quote, backslash)
    const body = this.#text.slice(start, this.#at)
    const found = /\{\{[^{}]*\}\}/.exec(body)
    if (found) throw refusal(`the placeholder ${shown(found[0])} stands in ${prefix}${quote}…${quote}, where no value can be quoted`)
    this.#keep(prefix + body)
  }

  #skipTo(quote: string, backslash: boolean): void {
    for (;;) {
      const here = this.#text[this.#at]
      if (here === undefined) throw unterminated(quote)
      if (backslash && here === '\\') this.#take(2)
      else if (here === quote && this.#text[this.#at + 1] === quote) this.#take(2)
      else if (this.#take(1) === quote) return
    }
  }

  #quoted(quote: "'" | '"', context: Context): void {
    this.#keep(this.#take(1))
    for (;;) {
      const [here, two] = [this.#text[this.#at], this.#text.slice(this.#at, this.#at + 2)]
      if (here === undefined) throw unterminated(quote)
      if (two === '{{') this.#placeholder(context)
      else if (two === quote + quote) this.#keep(this.#take(2))
      else {
        this.#keep(this.#take(1))
        if (here === quote) return
      }
    }
  }

  #dollar(): void {
    const tag = this.#match(dollarTag)
    if (tag === undefined) return this.#keep(this.#take(1))
    const end = this.#text.indexOf(tag, this.#at)
    if (end < 0) throw unterminated(tag)
    const body = readSql(this.#take(end - this.#at))
    this.#take(tag.length)
    this.#pieces.push({ kind: 'dollar', tag, body })
  }

  #blockComment(): void {
    const start = this.#at
    let depth = 0
    do {
      const two = this.#text.slice(this.#at, this.#at + 2)
      if (two === '') throw unterminated('/*')
      if (two === '/*') depth += 1
      if (two === '*/') depth -= 1
      this.#take(two === '/*' || two === '*/' ? 2 : 1)
    } while (depth > 0)
    this.#keep(this.#text.slice(start, this.#at))
  }

  #placeholder(context: Context): void {
    const found = this.#match(placeholder)
    if (found === undefined) return this.#keep(this.#take(2))
    this.#pieces.push({ kind: 'placeholder', name: found.slice(2, -2).trim(), context })
  }

  #end(): void {
    this.#take(1)
    this.#pieces.push({ kind: 'end' })
  }

  #keep(text: string): void {
    const last = this.#pieces.at(-1)
    if (last?.kind === 'text') this.#pieces.splice(-1, 1, { kind: 'text', text: last.text + text })
    else this.#pieces.push({ kind: 'text', text })
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.#at += found.length
    return found
  }

  #take(count: number): string {
    const taken = this.#text.slice(this.#at, this.#at + count)
    this.#at += count
    return taken
  }
}

export const shown = (text: string): string => (text.length > 44 ? `${text.slice(0, 40)}…` : text)

const unterminated = (what: string) => refusal(`${shown(what)} is never closed`)
const refusal = (message: string) => new BrokerError('invalid_request', message)

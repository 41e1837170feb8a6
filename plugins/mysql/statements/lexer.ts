/** Reads a template as the server would, so far as to know in what each placeholder stands. Every session of ours pins the mode in which a backslash escapes and `"…"` is a text. */
import { BrokerError } from 'mayfly/plugin'

export type Context =
  /** Nothing around it. */
  | 'bare'
  /** `` `…` `` */
  | 'identifier'
  /** `'…'` */
  | 'literal'
  /** `"…"` */
  | 'double'

export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'placeholder'; readonly name: string; readonly context: Context }
  /** `;` outside of everything. In the body of a block it ends a statement of the block. */
  | { readonly kind: 'end' }
  /** A word outside of everything. */
  | { readonly kind: 'word'; readonly text: string }

const word = /[A-Za-z_@$\u0080-\uffff][A-Za-z0-9_@$\u0080-\uffff]*/y
const number = /[0-9][A-Za-z0-9_.]*/y
const placeholder = /\{\{([^{}]*)\}\}/y
// Two hyphens begin a comment only before a space or the end.
const lineComment = /(?:#|--(?=\s|$))[^\n]*/y
const quotes: Readonly<Record<string, Context>> = { "'": 'literal', '"': 'double', '`': 'identifier' }

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
    const comment = this.#match(lineComment)
    if (comment !== undefined) return this.#keep(comment)
    if (two === '/*') return this.#blockComment()
    if (two === '{{') return this.#placeholder('bare')
    const context = quotes[here]
    if (context) return this.#quoted(here, context)
    if (here === ';') return this.#end()
    const name = this.#match(word)
    if (name !== undefined) return this.#word(name)
    this.#keep(this.#match(number) ?? this.#take(1))
  }

  /** `X'…'` and `B'…'` are digits, in which no value can be quoted. */
  #word(name: string): void {
    if (!/^[xb]$/i.test(name) || this.#text[this.#at] !== "'") return void this.#pieces.push({ kind: 'word', text: name })
    const start = this.#pieces.length
    this.#quoted("'", 'literal')
    if (this.#pieces.slice(start).some(({ kind }) => kind === 'placeholder'))
      throw refusal(`a placeholder stands in ${name}'…', where no value can be quoted`)
    this.#pieces.splice(start, 0, { kind: 'text', text: name })
  }

  #quoted(quote: string, context: Context): void {
    this.#keep(this.#take(1))
    for (;;) {
      const [here, two] = [this.#text[this.#at], this.#text.slice(this.#at, this.#at + 2)]
      if (here === undefined) throw refusal(`an unterminated ${quote}`)
      if (two === '{{') this.#placeholder(context)
      else if (two === quote + quote || (here === '\\' && quote !== '`')) this.#keep(this.#take(2))
      else {
        this.#keep(this.#take(1))
        if (here === quote) return
      }
    }
  }

  #blockComment(): void {
    const start = this.#at
    const end = this.#text.indexOf('*/', start + 2)
    if (end < 0) throw refusal('an unterminated /*')
    this.#at = end + 2
    const comment = this.#text.slice(start, this.#at)
    // The server runs them, or not, by its version: what would be run is not what was read.
    if (/^\/\*M?!/.test(comment)) throw refusal('comments that the server runs (/*! … */) are not taken')
    this.#keep(comment)
  }

  #placeholder(context: Context): void {
    const found = this.#match(placeholder)
    if (found === undefined) return this.#keep(this.#take(1))
    this.#pieces.push({ kind: 'placeholder', name: found.slice(2, -2).trim(), context })
  }

  #end(): void {
    this.#take(1)
    this.#pieces.push({ kind: 'end' })
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.#at += found.length
    return found
  }

  #take(length: number): string {
    const taken = this.#text.slice(this.#at, this.#at + length)
    this.#at += length
    return taken
  }

  #keep(text: string): void {
    const last = this.#pieces.at(-1)
    if (last?.kind === 'text') this.#pieces[this.#pieces.length - 1] = { kind: 'text', text: last.text + text }
    else this.#pieces.push({ kind: 'text', text })
  }
}

const refusal = (message: string) => new BrokerError('invalid_request', message)

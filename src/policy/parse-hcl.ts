import type { BrokerError } from '../contracts/errors.ts'
import type { HclToken } from './hcl-scanner.ts'
import { HclScanner } from './hcl-scanner.ts'
import { refusePolicy } from './refuse-policy.ts'

/** An object keeps every entry, repeated keys included: `JSON.parse` would let the last one win, and a `deny` could vanish that way. */
export type HclValue = string | number | boolean | null | readonly HclValue[] | HclObject
export interface HclObject {
  readonly entries: readonly HclEntry[]
}
export interface HclEntry {
  readonly key: string
  readonly value: HclValue
  readonly line: number
}

// A policy needs six levels; the bound keeps the recursion flat whatever is sent.
const nestingMax = 16

/** Reads HCL 1 and JSON, as far as policies use them: a text that begins with a brace is JSON. `path "x" { … }` is read as `path = { "x" = { … } }`. */
export function parseHcl(text: string): HclObject {
  // Editors on Windows begin a file with a byte order mark.
  const body = text.startsWith('\ufeff') ? text.slice(1) : text
  return new HclParser(body).document()
}

class HclParser {
  readonly #scanner: HclScanner
  #token: HclToken
  readonly #assignment: ':' | '='
  #depth = 0

  constructor(text: string) {
    this.#scanner = new HclScanner(text)
    this.#token = this.#scanner.next()
    this.#assignment = this.#is('{') ? ':' : '='
  }

  document(): HclObject {
    const document = this.#is('{') ? this.#object() : { entries: this.#entries('end') }
    if (!this.#is('end')) throw this.#unexpected()
    return document
  }

  #entries(close: '}' | 'end'): HclEntry[] {
    const entries: HclEntry[] = []
    while (!this.#is(close)) {
      entries.push(this.#entry())
      if (this.#is(',')) this.#advance()
    }
    return entries
  }

  #entry(): HclEntry {
    const line = this.#token.line
    const key = this.#key()
    if (this.#is('{')) return { key, value: this.#object(), line }
    if (this.#is(this.#assignment)) return { key, value: this.#assigned(), line }
    const label = this.#key()
    const value = this.#is('{') ? this.#object() : this.#assigned()
    return { key, value: { entries: [{ key: label, value, line }] }, line }
  }

  #key(): string {
    if (this.#token.kind !== 'name' && this.#token.kind !== 'text') throw this.#unexpected()
    const key = this.#token.value
    this.#advance()
    return key
  }

  #assigned(): HclValue {
    if (!this.#is(this.#assignment)) throw this.#unexpected()
    this.#advance()
    return this.#value()
  }

  #value(): HclValue {
    const token = this.#token
    if (token.kind === '{') return this.#object()
    if (token.kind === '[') return this.#list()
    if (token.kind === 'name') return this.#word(token.value)
    if (token.kind !== 'text' && token.kind !== 'number') throw this.#unexpected()
    this.#advance()
    return token.value
  }

  #word(word: string): HclValue {
    const line = this.#token.line
    this.#advance()
    if (word === 'null') return null
    if (word === 'true' || word === 'false') return word === 'true'
    throw refusePolicy(line, 'a value without quotes')
  }

  #object(): HclObject {
    this.#descend()
    const entries = this.#entries('}')
    this.#ascend()
    return { entries }
  }

  #list(): HclValue[] {
    this.#descend()
    const values: HclValue[] = []
    while (!this.#is(']')) {
      values.push(this.#value())
      if (this.#is(',')) this.#advance()
      else if (!this.#is(']')) throw this.#unexpected()
    }
    this.#ascend()
    return values
  }

  #descend(): void {
    this.#depth += 1
    if (this.#depth > nestingMax) throw refusePolicy(this.#token.line, `nested deeper than ${nestingMax} levels`)
    this.#advance()
  }

  #ascend(): void {
    this.#depth -= 1
    this.#advance()
  }

  /** A method, so that the compiler does not take the answer to outlive the next token. */
  #is(kind: HclToken['kind']): boolean {
    return this.#token.kind === kind
  }

  #advance(): void {
    this.#token = this.#scanner.next()
  }

  #unexpected(): BrokerError {
    const { kind, line } = this.#token
    return refusePolicy(line, kind === 'end' ? 'unexpected end' : `unexpected ${kind.length === 1 ? `'${kind}'` : kind}`)
  }
}

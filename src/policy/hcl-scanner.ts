import { refusePolicy } from './refuse-policy.ts'

export type HclToken =
  | { readonly kind: 'name' | 'text'; readonly value: string; readonly line: number }
  | { readonly kind: 'number'; readonly value: number; readonly line: number }
  | { readonly kind: '{' | '}' | '[' | ']' | '=' | ':' | ',' | 'end'; readonly line: number }

// Sticky and without nested repetition: each look costs what it consumes, so the whole text is read in linear time.
const blank = /[ \t\r\n]+|#[^\n]*|\/\/[^\n]*|\/\*[^]*?\*\//y
const name = /[A-Za-z_][\w.-]*/y
// Leading zeros are octal in HCL and refused in JSON: an error is better than two readings.
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y
const sign = /[{}[\]=:,]/y
// eslint-disable-next-line no-control-regex -- a line break in a string is a forgotten quote; the other control characters match no path
const plain = /[^"\\\u0000-\u0008\u000a-\u001f\u007f]*/y
const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})/y

const escaped: ReadonlyMap<string, string> = new Map([
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t']
])

/** Cuts HCL 1 into tokens. JSON has no token of its own, so the same scanner reads both. */
export class HclScanner {
  readonly #text: string
  #at = 0
  #line = 1

  constructor(text: string) {
    this.#text = text
  }

  next(): HclToken {
    this.#skipBlanks()
    const line = this.#line
    if (this.#at >= this.#text.length) return { kind: 'end', line }
    if (this.#text[this.#at] === '"') return { kind: 'text', value: this.#string(), line }
    const found = this.#take(sign)
    if (found !== undefined) return { kind: found as '{' | '}' | '[' | ']' | '=' | ':' | ',', line }
    const word = this.#take(name)
    if (word !== undefined) return { kind: 'name', value: word, line }
    const digits = this.#take(number)
    if (digits !== undefined) return { kind: 'number', value: this.#number(digits), line }
    throw refusePolicy(line, this.#text.startsWith('<<', this.#at) ? 'a heredoc is not supported' : 'unexpected character')
  }

  #skipBlanks(): void {
    for (let skipped = this.#take(blank); skipped !== undefined; skipped = this.#take(blank)) {
      for (const letter of skipped) if (letter === '\n') this.#line += 1
    }
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.#at += found.length
    return found
  }

  #string(): string {
    this.#at += 1
    const pieces: string[] = []
    while (this.#text[this.#at] !== '"') {
      const piece = this.#take(plain)
      if (piece !== undefined && piece !== '') pieces.push(piece)
      else pieces.push(this.#escape())
    }
    this.#at += 1
    const value = pieces.join('')
    if (!value.isWellFormed()) throw refusePolicy(this.#line, 'half a surrogate pair in a string')
    return value
  }

  #escape(): string {
    const found = this.#take(escape)
    if (found === undefined) throw refusePolicy(this.#line, 'a string without an end, or with an unknown escape')
    const kind = found.charAt(1)
    if (kind === 'u') return String.fromCharCode(Number.parseInt(found.slice(2), 16))
    if (kind === 'U') return this.#codePoint(Number.parseInt(found.slice(2), 16))
    return escaped.get(kind) ?? kind
  }

  #codePoint(code: number): string {
    if (code > 0x10ffff) throw refusePolicy(this.#line, 'an escape beyond Unicode')
    return String.fromCodePoint(code)
  }

  /** A number that would be rounded would be compared with another than the one written. */
  #number(digits: string): number {
    const value = Number(digits)
    if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
      throw refusePolicy(this.#line, 'a number too large to be kept exactly')
    }
    return value
  }
}

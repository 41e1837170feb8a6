import { checkedCall, checkedCondition, checkedOutput } from './check-call.ts'
import { refuseTemplate, shownWord } from './refuse-template.ts'
import { scanTemplate } from './scan-template.ts'
import type { Token } from './scan-template.ts'
import type { Expression, Part, Template } from './template.ts'

// Every one doubles the names that are tried when the template is written.
export const choicesMax = 6

const keywords = new Set(['if', 'else', 'end'])
const unsupported = new Set(['range', 'with', 'define', 'template', 'block', 'break', 'continue', 'nil', 'true', 'false'])

/** Reads the subset of Go's templates that can make a name: literal text, pipes, parentheses, `if`, and the functions of the table. A mistake is `invalid_request`,
 *  `character 12: unknown function "len", …`. */
export function parseTemplate(text: string): Template {
  return new TemplateParser(scanTemplate(text)).template()
}

class TemplateParser {
  readonly #tokens: readonly Token[]
  #next = 0
  #choices = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  template(): Template {
    const parts = this.#parts()
    if (this.#token.kind !== 'end') throw refuseTemplate(this.#token.at, `${this.#keyword()} without an if`)
    return parts
  }

  /** Up to an `else`, an `end`, or the end of the text. */
  #parts(): Template {
    const parts: Part[] = []
    for (;;) {
      const token = this.#token
      if (token.kind === 'literal') {
        this.#next += 1
        parts.push({ kind: 'literal', text: token.text })
      } else if (token.kind !== 'open' || ['else', 'end'].includes(this.#keyword() ?? '')) return parts
      else parts.push(this.#action())
    }
  }

  #action(): Part {
    this.#take('open')
    if (this.#isWord('if')) {
      this.#next += 1
      return this.#choice()
    }
    const value = checkedOutput(this.#pipeline())
    this.#take('close')
    return { kind: 'action', value }
  }

  /** After its `if`. */
  #choice(): Part {
    this.#choices += 1
    if (this.#choices > choicesMax) throw refuseTemplate(this.#token.at, `more than ${choicesMax} times if`)
    const condition = checkedCondition(this.#pipeline())
    this.#take('close')
    const met = this.#parts()
    this.#take('open')
    if (!this.#isWord('else')) {
      this.#takeEnd()
      return { kind: 'choice', condition, met, unmet: [] }
    }
    this.#next += 1
    if (this.#isWord('if')) {
      this.#next += 1
      return { kind: 'choice', condition, met, unmet: [this.#choice()] }
    }
    this.#take('close')
    const unmet = this.#parts()
    this.#take('open')
    this.#takeEnd()
    return { kind: 'choice', condition, met, unmet }
  }

  #takeEnd(): void {
    if (!this.#isWord('end')) throw refuseTemplate(this.#token.at, 'expected end')
    this.#next += 1
    this.#take('close')
  }

  /** Each command gets what the one before it gave, as its last argument. */
  #pipeline(): Expression {
    let value = this.#command()
    while (this.#token.kind === '|') {
      this.#next += 1
      value = this.#command(value)
    }
    return value
  }

  #command(piped?: Expression): Expression {
    const { at } = this.#token
    const name = this.#token.kind === 'word' ? this.#functionName() : undefined
    const first = name === undefined ? this.#operand() : undefined
    const given: Expression[] = []
    while (!['|', ')', 'close', 'end', 'literal', 'open'].includes(this.#token.kind)) given.push(this.#operand())
    if (piped) given.push(piped)
    if (name !== undefined) return checkedCall(name, given, at)
    if (given.length > 0) throw refuseTemplate(given[0]!.at, 'only a function takes arguments')
    return first!
  }

  #operand(): Expression {
    const token = this.#token
    if (token.kind === '(') return this.#parenthesis()
    if (token.kind === 'word') return checkedCall(this.#functionName(), [], token.at)
    this.#next += 1
    if (token.kind === 'text') return { kind: 'text', text: token.text, at: token.at }
    if (token.kind === 'number') return { kind: 'number', value: token.value, at: token.at }
    if (token.kind === 'field') return fieldOf(token.text, token.at)
    throw refuseTemplate(token.at, token.kind === 'end' ? 'an action without }}' : 'expected a value')
  }

  #parenthesis(): Expression {
    this.#take('(')
    const value = this.#pipeline()
    this.#take(')')
    return value
  }

  #functionName(): string {
    const token = this.#take('word')
    const name = token.kind === 'word' ? token.text : ''
    if (unsupported.has(name)) throw refuseTemplate(token.at, `${name} is not supported`)
    if (keywords.has(name)) throw refuseTemplate(token.at, `${name} cannot stand here`)
    return name
  }

  #take(kind: Token['kind']): Token {
    const token = this.#token
    if (token.kind !== kind) throw refuseTemplate(token.at, `expected ${expectation[kind] ?? kind}`)
    this.#next += 1
    return token
  }

  #isWord(word: string): boolean {
    return this.#token.kind === 'word' && this.#token.text === word
  }

  /** The first word of the action that opens here. */
  #keyword(): string | undefined {
    const token = this.#tokens[this.#next + 1]
    return token?.kind === 'word' ? token.text : undefined
  }

  get #token(): Token {
    return this.#tokens[Math.min(this.#next, this.#tokens.length - 1)]!
  }
}

const expectation: Readonly<Partial<Record<Token['kind'], string>>> = { open: '{{end}}', close: '}}', word: 'the name of a function' }

function fieldOf(text: string, at: number): Expression {
  if (text === '.DisplayName' || text === '.RoleName')
    return { kind: 'field', field: text === '.RoleName' ? 'RoleName' : 'DisplayName', at }
  throw refuseTemplate(at, `unknown field ${shownWord(text)}, known are .DisplayName and .RoleName`)
}

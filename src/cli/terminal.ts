import { escapeButLines, escapeControl, safeJson, safeYaml } from './escape-control.ts'
import type { Io, Screen } from './io.ts'

// Of a terminal that does not say.
const columnsDefault = 100

export type Format = 'table' | 'json' | 'yaml'

/** Where words go. Results go to standard output, everything else to standard error; in JSON and YAML standard output holds one value or nothing. */
export class Terminal {
  readonly #io: Pick<Io, 'stdout' | 'stderr' | 'env'>
  /** `json`: one value, for programs. */
  readonly format: 'table' | 'json'
  readonly #yaml: boolean

  constructor(io: Pick<Io, 'stdout' | 'stderr' | 'env'>, format: Format) {
    this.#io = io
    this.format = format === 'table' ? 'table' : 'json'
    this.#yaml = format === 'yaml'
  }

  /** How wide a table may be; `undefined` where nobody looks: to a program every row is one line. */
  get columns(): number | undefined {
    return this.#io.stdout.isTTY ? this.#io.stdout.columns || columnsDefault : undefined
  }

  /** Lines for people: what was done. Not in JSON. */
  say(...lines: readonly string[]): void {
    if (this.format === 'table') this.lines(lines.map(escapeControl))
  }

  /** Lines that are safe already, such as those of a table. */
  lines(lines: readonly string[]): void {
    if (lines.length > 0) this.#io.stdout.write(`${lines.join('\n')}\n`)
  }

  json(value: unknown): void {
    this.#io.stdout.write(this.#yaml ? safeYaml(value) : `${safeJson(value)}\n`)
  }

  /** One value alone: as it is to a program, escaped and with a line feed on a terminal. */
  value(text: string): void {
    this.#io.stdout.write(this.#io.stdout.isTTY ? `${escapeButLines(text)}\n` : text)
  }

  /** A text of several lines, such as a policy. */
  text(text: string): void {
    const whole = text.endsWith('\n') ? text : `${text}\n`
    this.#io.stdout.write(this.#io.stdout.isTTY ? escapeButLines(whole) : whole)
  }

  /** A line beside the result. */
  note(line: string): void {
    this.#io.stderr.write(`${escapeControl(line)}\n`)
  }

  warn(text: string): void {
    this.#io.stderr.write(`${this.#painted('33', 'warning:')} ${escapeControl(text)}\n`)
  }

  error(text: string): void {
    this.#io.stderr.write(`${this.#painted('31', 'error:')} ${escapeControl(text)}\n`)
  }

  #painted(colour: string, text: string): string {
    return hasColour(this.#io.stderr, this.#io.env) ? `\u001b[${colour}m${text}\u001b[0m` : text
  }
}

function hasColour(screen: Screen, env: Io['env']): boolean {
  return screen.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
}

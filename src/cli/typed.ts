import { UsageError } from './usage-error.ts'

/** What was typed behind a command's name. Options go by their name in camel case. */
export class Typed {
  readonly args: readonly string[]
  readonly #options: Readonly<Record<string, unknown>>

  constructor(args: readonly string[], options: Readonly<Record<string, unknown>>) {
    this.args = args
    this.#options = options
  }

  /** An argument that the command cannot do without: commander has refused its absence, not its emptiness. */
  arg(index: number, name: string): string {
    const said = this.args[index] ?? ''
    if (said.trim() === '') throw new UsageError(`${name}: is empty`)
    return said
  }

  text(name: string): string | undefined {
    const said = this.#options[name]
    return typeof said === 'string' ? said : undefined
  }

  flag(name: string): boolean {
    return this.#options[name] === true
  }

  /** `--no-x` was said. */
  denied(name: string): boolean {
    return this.#options[name] === false
  }

  list(name: string): readonly string[] {
    const said = this.#options[name]
    return Array.isArray(said) ? said.map(String) : []
  }
}

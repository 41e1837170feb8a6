import { chmodSync, existsSync, mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The one line of ours in a user's own configuration of ssh. First: there the first value of an option counts, and behind a `Host` it would be for that one alone. */
export class IncludeLine {
  readonly #config: string
  readonly #line: string

  constructor(homeDir: string, included: string) {
    this.#config = join(homeDir, '.ssh', 'config')
    this.#line = `Include "${included}"`
  }

  /** Whether it had to be written. */
  put(): boolean {
    const text = this.#text()
    if (text.split('\n')[0] === this.#line) return false
    this.#write(`${this.#line}\n${this.#without(text)}`)
    return true
  }

  remove(): boolean {
    const text = this.#text()
    const without = this.#without(text)
    if (without === text) return false
    this.#write(without)
    return true
  }

  #text(): string {
    return existsSync(this.#config) ? readFileSync(this.#config, 'utf8') : ''
  }

  #without(text: string): string {
    return text
      .split('\n')
      .filter(line => line.trim() !== this.#line)
      .join('\n')
  }

  /** Beside and renamed, and where a link leads to: many keep theirs elsewhere. */
  #write(text: string): void {
    if (!existsSync(dirname(this.#config))) mkdirSync(dirname(this.#config), { recursive: true, mode: 0o700 })
    const file = existsSync(this.#config) ? realpathSync(this.#config) : this.#config
    writeFileSync(`${file}.mayfly-new`, text, { mode: 0o600 })
    chmodSync(`${file}.mayfly-new`, 0o600)
    renameSync(`${file}.mayfly-new`, file)
  }
}

import { existsSync, lstatSync, mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { BrokerError } from 'mayfly/plugin'
import { replaceFile } from './replace-file.ts'

// Byte for byte: a comment may be in whatever its writer used.
const bytes = 'latin1'

/** The one line of ours in a user's own configuration of ssh. First: there the first value of an option counts, and behind a `Host` it would be for that one alone. */
export class IncludeLine {
  readonly #config: string
  readonly #line: string

  constructor(homeDir: string, included: string) {
    this.#config = join(homeDir, '.ssh', 'config')
    this.#line = Buffer.from(`Include "${included}"`).toString(bytes)
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
    return existsSync(this.#config) ? readFileSync(this.#config, bytes) : ''
  }

  #without(text: string): string {
    return text
      .split('\n')
      .filter(line => line.trim() !== this.#line)
      .join('\n')
  }

  /** Where a link leads to: many keep theirs elsewhere. */
  #write(text: string): void {
    if (!existsSync(dirname(this.#config))) mkdirSync(dirname(this.#config), { recursive: true, mode: 0o700 })
    const isThere = lstatSync(this.#config, { throwIfNoEntry: false }) !== undefined
    try {
      const file = isThere ? realpathSync(this.#config) : this.#config
      replaceFile(file, Buffer.from(text, bytes), isThere ? statSync(file).mode & 0o777 : 0o600)
    } catch (cause) {
      throw new BrokerError('invalid_request', `${this.#config}: cannot be written (${(cause as NodeJS.ErrnoException).code})`, { cause })
    }
  }
}

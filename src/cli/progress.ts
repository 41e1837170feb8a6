import type { Io } from './io.ts'

// What ends sooner needs no line.
const firstMs = 700
const everyMs = 500

/** A line on the user's terminal that says what is waited for, and for how long; nothing where nobody watches. Gone when disposed. */
export class Progress implements Disposable {
  readonly #screen: Io['stderr']
  readonly #startedAt = Date.now()
  readonly #timer: NodeJS.Timeout | undefined
  #what: string
  #shown = false

  constructor({ stderr, env }: Pick<Io, 'stderr' | 'env'>, what: string) {
    this.#screen = stderr
    this.#what = what
    if (stderr.isTTY && env['TERM'] !== 'dumb') this.#timer = setInterval(() => this.#show(), everyMs).unref()
  }

  say(what: string): void {
    this.#what = what
  }

  #show(): void {
    const elapsedMs = Date.now() - this.#startedAt
    if (elapsedMs < firstMs) return
    this.#screen.write(`\r\u001b[K${this.#what} (${Math.round(elapsedMs / 1_000)} s)`)
    this.#shown = true
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    if (this.#shown) this.#screen.write('\r\u001b[K')
    this.#shown = false
  }
}

import type { Log } from '../contracts/index.ts'

const tellEveryMs = 10_000

/** Counts what is refused before the door, by Node's parser or by ours. No audit entry tells of these, and a line for each would be a way to fill the disk. */
export class RefusalCount implements Disposable {
  readonly #log: Log
  readonly #timer: NodeJS.Timeout
  #count = 0

  constructor(log: Log) {
    this.#log = log
    this.#timer = setInterval(() => this.#tell(), tellEveryMs).unref()
  }

  readonly add = (): void => {
    this.#count++
  }

  #tell(): void {
    if (this.#count === 0) return
    this.#log.warn('requests were refused before they could be audited: malformed, or sealed', { count: this.#count })
    this.#count = 0
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#tell()
  }
}

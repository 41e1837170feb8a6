import { constants } from 'node:os'
import process from 'node:process'

const ends = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

// One press of Ctrl-C may come twice, from the kernel and from a program in between.
const sameMsMax = 250

/** For as long as it is there the first signal that asks for an end does not end this process, which is about to have a lease that somebody has to end; the second does. */
export class Interruption implements Disposable {
  readonly #aborted = new AbortController()
  readonly #handlers = ends.map(name => [name, () => this.#took(name)] as const)
  #first: { readonly code: number; readonly at: number } | undefined

  constructor() {
    for (const [name, handler] of this.#handlers) process.on(name, handler)
  }

  /** Aborted by the first. */
  get signal(): AbortSignal {
    return this.#aborted.signal
  }

  /** How a process ends that was told to, once it was. */
  get code(): number | undefined {
    return this.#first?.code
  }

  #took(name: (typeof ends)[number]): void {
    const now = performance.now()
    if (this.#first && now - this.#first.at > sameMsMax) process.exit(this.#first.code)
    this.#first ??= { code: 128 + constants.signals[name], at: now }
    this.#aborted.abort()
  }

  [Symbol.dispose](): void {
    for (const [name, handler] of this.#handlers) process.off(name, handler)
  }
}

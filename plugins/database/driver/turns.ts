import { BrokerError } from 'mayfly/plugin'

/** A few at a time. The others wait, the longest goes next, and one whose signal aborts leaves without a turn. */
export class Turns {
  readonly #atOnceMax: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(atOnceMax: number) {
    this.#atOnceMax = atOnceMax
  }

  get isIdle(): boolean {
    return this.#running === 0
  }

  async take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#atOnceMax) this.#running += 1
    else await this.#wait(signal)
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running -= 1
    }
  }

  /** The turn of whoever is done is handed on, and stays counted. */
  async #wait(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push(resolve)
    const leave = () => {
      const index = this.#waiting.indexOf(resolve)
      if (index < 0) return
      this.#waiting.splice(index, 1)
      reject(new BrokerError('target_unreachable', 'its turn did not come in time', { cause: signal.reason }))
    }
    if (signal.aborted) leave()
    signal.addEventListener('abort', leave, { once: true })
    await promise.finally(() => signal.removeEventListener('abort', leave))
  }
}

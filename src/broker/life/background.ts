import type { Clock, Log } from '../../contracts/index.ts'

/** Work that goes on while the broker is unsealed. A turn that fails is logged and comes again; ending waits for the turns under way. */
export class Background implements AsyncDisposable {
  readonly #clock: Clock
  readonly #log: Log
  readonly #stop = new AbortController()
  readonly #loops: Promise<void>[] = []

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  /** Runs `turn` now and then again and again, `pauseMs` after each end; a turn may name a pause of its own. */
  loop(name: string, pauseMs: number, turn: (signal: AbortSignal) => Promise<number | void>): void {
    this.#loops.push(this.#run(name, pauseMs, turn))
  }

  async #run(name: string, pauseMs: number, turn: (signal: AbortSignal) => Promise<number | void>): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      const pause = await turn(signal).catch(error => {
        if (!signal.aborted) this.#log.error('background work failed and will be tried again', { what: name }, error)
      })
      await this.#clock.sleep(pause ?? pauseMs, signal).catch(() => undefined)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#loops)
  }
}

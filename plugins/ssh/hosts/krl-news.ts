/** `krl/news`: answers when there is a newer list, so that hosts hear of a revocation within a second and not with their next poll. It tells nothing that the list does not tell. */
import { field, path } from 'mayfly/plugin'
import type { Path } from 'mayfly/plugin'
import type { Engine } from '../engine.ts'

// Below the broker's own limit for an answer.
const waitMsMax = 20_000
// One look for all who wait.
const lookEveryMs = 250
// With each list all hosts come at once, for four requests each: 5,000 of them in 13 s.
const toldPerLook = 100
// Each is an open connection, and nobody needs a token for it: of the 8,192 that a listener has (src/http/limits.ts) the rest is for all others. Who comes later polls.
const waitingMax = 5_000

export function newsPath(engine: Engine): Path {
  const news = new KrlNews(engine)
  return path({
    pattern: 'krl/news',
    summary: 'waits for a newer list of the revoked than the version that is named, for 20 seconds at most',
    open: true,
    counted: true,
    fields: { after: field.integer() },
    read: async ({ fields }, _, signal) => ({
      raw: Buffer.from(`krl ${await news.after(fields.after ?? 0, signal)}\n`),
      type: 'text/plain'
    })
  })
}

class KrlNews {
  readonly #engine: Engine
  /** Of all mounts together. */
  static #waiting = 0
  #told = 0
  #look: Promise<number> | undefined

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** The version that is published when it is a newer one, or when nobody should wait longer. */
  async after(version: number, signal: AbortSignal): Promise<number> {
    const { clock } = this.#engine.context
    const until = clock.elapsed() + waitMsMax
    let published = await this.#engine.krl.version()
    if (KrlNews.#waiting >= waitingMax) return published
    KrlNews.#waiting += 1
    try {
      while ((published <= version || this.#told >= toldPerLook) && clock.elapsed() < until && !signal.aborted)
        published = await (this.#look ??= this.#nextLook())
      this.#told += 1
      return published
    } finally {
      KrlNews.#waiting -= 1
    }
  }

  async #nextLook(): Promise<number> {
    try {
      await this.#engine.context.clock.sleep(lookEveryMs)
      this.#told = 0
      return await this.#engine.krl.version()
    } finally {
      this.#look = undefined
    }
  }
}

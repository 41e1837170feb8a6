interface Reading {
  readonly key: string
  old: boolean
}

/** What was read last, as long as nothing can have changed it. Right because this process is the only one that writes the file: whatever may change such a row takes it out of this, when it
 *  is asked for and again when it is done. A read that was under way at either moment is not kept, for it may tell of before.
 *
 *  Each request asks for its token, and each issue for three rows that change once a month. A read costs a message to another thread and back, and on a machine with little to do the
 *  two wake-ups cost more than all the rest of the request. */
export class Kept<Value> {
  readonly #max: number
  readonly #fits: (value: Value) => boolean
  readonly #values = new Map<string, Value>()
  /** Under way: as many as there are requests that read. */
  readonly #readings = new Set<Reading>()

  constructor(max: number, fits: (value: Value) => boolean = () => true) {
    this.#max = max
    this.#fits = fits
  }

  get(key: string): Value | undefined {
    return this.#values.get(key)
  }

  /** Keeps what `read` finds. */
  async learn(key: string, read: () => Promise<Value | undefined>): Promise<Value | undefined> {
    const reading: Reading = { key, old: false }
    this.#readings.add(reading)
    try {
      const value = await read()
      if (value !== undefined && !reading.old && this.#fits(value)) this.#keep(key, value)
      return value
    } finally {
      this.#readings.delete(reading)
    }
  }

  /** All, or those of these keys. What is being read meanwhile may be of before. */
  forget(keys?: readonly string[]): void {
    for (const reading of this.#readings) reading.old ||= keys === undefined || keys.includes(reading.key)
    if (keys) for (const key of keys) this.#values.delete(key)
    else this.#values.clear()
  }

  /** The oldest goes first. */
  #keep(key: string, value: Value): void {
    if (this.#values.size >= this.#max) for (const oldest of this.#values.keys().take(1)) this.#values.delete(oldest)
    this.#values.set(key, value)
  }
}

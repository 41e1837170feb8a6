/** Bytes that come in pieces of any size, taken in pieces of a wanted one. */
export class Bytes {
  readonly #source: AsyncIterator<Uint8Array>
  #pieces: Buffer[] = []
  #length = 0

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** `undefined`: so many do not come any more. */
  async take(length: number): Promise<Buffer | undefined> {
    while (this.#length < length) if (!(await this.#more())) return undefined
    const all = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces)
    this.#pieces = all.length > length ? [all.subarray(length)] : []
    this.#length = all.length - length
    return all.subarray(0, length)
  }

  async atEnd(): Promise<boolean> {
    while (this.#length === 0) if (!(await this.#more())) return true
    return false
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#source.next()
    if (done === true) return false
    this.#pieces.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength))
    this.#length += value.byteLength
    return true
  }
}

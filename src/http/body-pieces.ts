// A chunk costs some two hundred bytes by itself (measured), and a body may come in chunks of one: 16 KiB of such would be 3.5 MB.
const togetherMax = 64

/** The chunks of one body, joined as they come, so that small ones take not much more room than their bytes. */
export class BodyPieces {
  readonly #pieces: Buffer[] = []
  #chunks: Buffer[] = []

  add(chunk: Buffer): void {
    this.#chunks.push(chunk)
    if (this.#chunks.length < togetherMax) return
    this.#pieces.push(Buffer.concat(this.#chunks))
    this.#chunks = []
  }

  whole(bytes: number): Buffer {
    const all = [...this.#pieces, ...this.#chunks]
    return all.length === 1 ? all[0]! : Buffer.concat(all, bytes)
  }
}

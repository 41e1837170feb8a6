const startBytes = 512

/** Writes the types of RFC 4251 section 5, big-endian, one after the other. */
export class WireWriter {
  #bytes = Buffer.allocUnsafe(startBytes)
  #length = 0

  byte(value: number): this {
    this.#room(1)
    this.#length = this.#bytes.writeUInt8(value, this.#length)
    return this
  }

  boolean(value: boolean): this {
    return this.byte(value ? 1 : 0)
  }

  uint32(value: number): this {
    this.#room(4)
    this.#length = this.#bytes.writeUInt32BE(value, this.#length)
    return this
  }

  uint64(value: bigint): this {
    this.#room(8)
    this.#length = this.#bytes.writeBigUInt64BE(value, this.#length)
    return this
  }

  string(value: Uint8Array | string): this {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    return this.uint32(bytes.length).raw(bytes)
  }

  /** A number that is not negative, from its big-endian bytes: shortest form, and a zero in front of a set top bit, which would be its sign. */
  mpint(magnitude: Uint8Array): this {
    let start = 0
    while (start < magnitude.length && magnitude[start] === 0) start++
    const bytes = magnitude.subarray(start)
    const signed = (bytes[0] ?? 0) >= 0x80
    this.uint32(bytes.length + (signed ? 1 : 0))
    return (signed ? this.byte(0) : this).raw(bytes)
  }

  raw(bytes: Uint8Array): this {
    this.#room(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  /** What was written. The writer must not be used afterwards: it is not copied. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  #room(count: number): void {
    const needed = this.#length + count
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}

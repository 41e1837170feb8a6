import { BrokerError } from 'mayfly/plugin'

// A fatal decoder throws where the default one would put U+FFFD: two different names would read alike.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads the types of RFC 4251 section 5, strictly: whatever is cut, too long, or written in another than the one form is refused with the name of the field. `what` opens each
 *  sentence: `certificate`, `KRL`. */
export class WireReader {
  readonly #bytes: Buffer
  readonly #what: string
  #at = 0

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#what = what
  }

  /** How many bytes have been read: where a signed part ends. */
  get position(): number {
    return this.#at
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  byte(field: string): number {
    return this.raw(1, field)[0] ?? 0
  }

  boolean(field: string): boolean {
    const value = this.byte(field)
    if (value > 1) throw this.refusal(`${field} must be 0 or 1`)
    return value === 1
  }

  uint32(field: string): number {
    return this.raw(4, field).readUInt32BE()
  }

  uint64(field: string): bigint {
    return this.raw(8, field).readBigUInt64BE()
  }

  string(field: string): Buffer {
    return this.raw(this.uint32(field), field)
  }

  /** A string of UTF-8 without NUL, which would end it early for everything that is written in C. */
  text(field: string): string {
    const bytes = this.string(field)
    if (bytes.includes(0)) throw this.refusal(`${field} contains a NUL byte`)
    try {
      return utf8.decode(bytes)
    } catch {
      throw this.refusal(`${field} is not UTF-8`)
    }
  }

  /** The big-endian bytes of a number that is not negative, without its sign byte. */
  mpint(field: string): Buffer {
    const bytes = this.string(field)
    const first = bytes[0]
    if (first === undefined) return bytes
    if (first >= 0x80) throw this.refusal(`${field} is negative`)
    if (first > 0) return bytes
    if ((bytes[1] ?? 0) < 0x80) throw this.refusal(`${field} has a superfluous leading zero`)
    return bytes.subarray(1)
  }

  raw(count: number, field: string): Buffer {
    if (count > this.#bytes.length - this.#at) throw this.refusal(`cut short at ${field}`)
    const bytes = this.#bytes.subarray(this.#at, this.#at + count)
    this.#at += count
    return bytes
  }

  end(): void {
    const left = this.#bytes.length - this.#at
    if (left > 0) throw this.refusal(`${left} bytes too many at the end`)
  }

  refusal(reason: string): BrokerError {
    return new BrokerError('invalid_request', `${this.#what}: ${reason}`)
  }
}

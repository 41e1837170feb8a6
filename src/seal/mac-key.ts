import { createHmac, hash } from 'node:crypto'

// RFC 2104: the block of SHA-256, and what the key is mixed with.
const blockBytes = 64
const digestBytes = 32
const innerPad = 0x36
const outerPad = 0x5c

// Tokens, names, paths. Longer texts are rare, and take the ordinary way.
const shortBytesMax = 512

/** HMAC-SHA-256 under one key, for the many short texts of each request. `createHmac` looks its algorithm up and makes an object each time; here the key is mixed once, and each
 *  text costs two plain hashes: half the time. */
export class MacKey {
  readonly #key: Uint8Array
  readonly #inner = Buffer.alloc(blockBytes + shortBytesMax, innerPad)
  readonly #outer = Buffer.alloc(blockBytes + digestBytes, outerPad)

  /** At most 64 bytes. The key is this object's from here on. */
  constructor(key: Uint8Array) {
    if (key.length > blockBytes) throw new Error('a MAC key is longer than a block')
    this.#key = key
    for (const [i, byte] of key.entries()) {
      this.#inner[i] = byte ^ innerPad
      this.#outer[i] = byte ^ outerPad
    }
  }

  mac(data: string | Uint8Array): Uint8Array {
    return this.#long(data) ?? hash('sha256', this.#half(data), 'buffer')
  }

  hex(data: string | Uint8Array): string {
    const long = this.#long(data)
    return long ? Buffer.from(long).toString('hex') : hash('sha256', this.#half(data), 'hex')
  }

  destroy(): void {
    for (const bytes of [this.#key, this.#inner, this.#outer]) bytes.fill(0)
  }

  #long(data: string | Uint8Array): Uint8Array | undefined {
    // No character of a string takes more than three bytes.
    if (data.length * (typeof data === 'string' ? 3 : 1) <= shortBytesMax) return undefined
    return createHmac('sha256', this.#key).update(data).digest()
  }

  /** The outer text: the outer key, and the hash of the inner one. */
  #half(data: string | Uint8Array): Uint8Array {
    const inner = this.#inner
    const length = typeof data === 'string' ? inner.write(data, blockBytes, 'utf8') : copied(data, inner)
    this.#outer.set(hash('sha256', inner.subarray(0, blockBytes + length), 'buffer'), blockBytes)
    // What was hashed may be a token.
    inner.fill(0, blockBytes, blockBytes + length)
    return this.#outer
  }
}

function copied(data: Uint8Array, into: Buffer): number {
  into.set(data, blockBytes)
  return data.length
}

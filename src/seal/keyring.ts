import { BrokerError, Secret } from '../contracts/index.ts'
import type { Random } from '../contracts/index.ts'

const keyLength = 32
// Format byte, mac root, number of keys; per key: id, created at (milliseconds), encryptions, key. Bytes and not JSON, because a string cannot be zeroed.
const format = 1
const headLength = 1 + keyLength + 4
const rowLength = 4 + 6 + 6 + keyLength
// A rotation a week for 19 years.
const keysMax = 1_000

/** One term of the barrier's encryption key. */
export interface EncryptionKey {
  /** Counts up from 1 with each rotation; the wire's `term`. */
  readonly id: number
  readonly createdAt: Temporal.Instant
  readonly bytes: Secret<Uint8Array>
  /** How often it has encrypted, as far as this keyring was told. */
  encryptions: number
}

/** The barrier's keys: the encryption keys, of which the newest seals and all open, and the mac root, which rotation never changes, because hashes of
 *  tokens must stay findable. */
export class Keyring {
  readonly #macRoot: Uint8Array
  readonly #keys: EncryptionKey[]
  #destroyed = false

  private constructor(macRoot: Uint8Array, keys: EncryptionKey[]) {
    this.#macRoot = macRoot
    this.#keys = keys
  }

  static create(random: Random, now: Temporal.Instant): Keyring {
    const macRoot = ownBytes(random.bytes(keyLength))
    return new Keyring(macRoot, [newKey(1, random, now)])
  }

  /** Throws `integrity` for bytes that `serialise` did not make. */
  static parse(bytes: Uint8Array): Keyring {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (view.length < headLength + rowLength || view[0] !== format) throw malformed()
    const count = view.readUInt32BE(1 + keyLength)
    if (count > keysMax || view.length !== headLength + count * rowLength) throw malformed()
    const keys = Array.from({ length: count }, (_, index) => readKey(view.subarray(headLength + index * rowLength)))
    if (keys.some((key, index) => key.id !== index + 1)) throw malformed()
    return new Keyring(ownBytes(view.subarray(1, 1 + keyLength)), keys)
  }

  /** All keys in clear: seal the result under the root key, then zero it. */
  serialise(): Uint8Array {
    this.#mustBeOpen()
    const bytes = Buffer.alloc(headLength + this.#keys.length * rowLength)
    bytes.writeUInt8(format)
    bytes.set(this.#macRoot, 1)
    bytes.writeUInt32BE(this.#keys.length, 1 + keyLength)
    for (const [index, key] of this.#keys.entries()) writeKey(key, bytes.subarray(headLength + index * rowLength))
    return bytes
  }

  /** From here on a new key seals; the older ones go on opening what they sealed. Not durable before the keyring is stored again. */
  rotate(random: Random, now: Temporal.Instant): EncryptionKey {
    this.#mustBeOpen()
    if (this.#keys.length >= keysMax) throw new BrokerError('invalid_request', `the keyring is full: it holds ${keysMax} keys`)
    const key = newKey(this.#keys.length + 1, random, now)
    this.#keys.push(key)
    return key
  }

  get current(): EncryptionKey {
    this.#mustBeOpen()
    return this.#keys.at(-1)!
  }

  key(id: number): EncryptionKey | undefined {
    this.#mustBeOpen()
    return this.#keys[id - 1]
  }

  get macRoot(): Secret<Uint8Array> {
    this.#mustBeOpen()
    return new Secret(this.#macRoot)
  }

  /** Zeroes the keys; afterwards everything throws `sealed`. */
  destroy(): void {
    this.#destroyed = true
    for (const bytes of [this.#macRoot, ...this.#keys.map(key => key.bytes.reveal())]) bytes.fill(0)
  }

  #mustBeOpen(): void {
    if (this.#destroyed) throw new BrokerError('sealed', 'Vault is sealed')
  }
}

function newKey(id: number, random: Random, createdAt: Temporal.Instant): EncryptionKey {
  return { id, createdAt, bytes: new Secret(ownBytes(random.bytes(keyLength))), encryptions: 0 }
}

function readKey(row: Buffer): EncryptionKey {
  return {
    id: row.readUInt32BE(0),
    createdAt: Temporal.Instant.fromEpochMilliseconds(row.readUIntBE(4, 6)),
    encryptions: row.readUIntBE(10, 6),
    bytes: new Secret(ownBytes(row.subarray(16, 16 + keyLength)))
  }
}

function writeKey(key: EncryptionKey, row: Buffer): void {
  row.writeUInt32BE(key.id, 0)
  row.writeUIntBE(key.createdAt.epochMilliseconds, 4, 6)
  row.writeUIntBE(key.encryptions, 10, 6)
  row.set(key.bytes.reveal(), 16)
}

// A copy in memory of its own: zeroing it must reach every copy that we hold, and nobody else's bytes.
function ownBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}

function malformed(): BrokerError {
  return new BrokerError('integrity', 'the keyring is malformed')
}

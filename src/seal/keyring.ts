import { BrokerError, Secret } from '../contracts/index.ts'
import type { Random } from '../contracts/index.ts'

const keyLength = 32
// Format byte, mac root, number of keys; per key: id, created at (milliseconds), encryptions, key. Bytes and not JSON, because a string cannot be zeroed.
const format = 1
const headLength = 1 + keyLength + 4
const rowLength = 4 + 6 + 6 + keyLength
// A rotation a week for 19 years, were none ever dropped.
const keysMax = 1_000

/** Encryptions are counted in the store in blocks, ahead of their making: one commit for so many, and a crash counts a few too many, never one too few. */
export const encryptionsBlock = 65_536

/** One term of the barrier's encryption key. */
export interface EncryptionKey {
  /** Counts up from 1 with each rotation; the wire's `term`. */
  readonly id: number
  readonly createdAt: Temporal.Instant
  readonly bytes: Secret<Uint8Array>
  /** How many encryptions the stored keyring says that it has made. */
  counted: number
  /** How many of those are ours and still to be made. */
  left: number
}

/** What is stored first, with `serialise`, and then made, with `adopt`. */
export interface KeyringChange {
  /** From here on it seals. */
  readonly add?: EncryptionKey
  /** Keys with lower ids are no longer stored: no row names them. */
  readonly dropBelow?: number
  /** Counted for the newest key. */
  readonly counted?: number
}

/** The barrier's keys: the encryption keys, of which the newest seals and all open, and the mac root, which rotation never changes, because hashes of
 *  tokens must stay findable. */
export class Keyring {
  readonly #macRoot: Uint8Array
  readonly #keys: EncryptionKey[]
  #stored: number
  #destroyed = false

  private constructor(macRoot: Uint8Array, keys: EncryptionKey[]) {
    this.#macRoot = macRoot
    this.#keys = keys
    this.#stored = keys[0]!.id
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
    const first = keys[0]?.id ?? 0
    if (first === 0 || keys.some((key, index) => key.id !== first + index)) throw malformed()
    return new Keyring(ownBytes(view.subarray(1, 1 + keyLength)), keys)
  }

  /** All keys in clear, as they are to be after `change`: seal the result under the root key, then zero it. */
  serialise({ add, dropBelow = this.#stored, counted }: KeyringChange = {}): Uint8Array {
    const { current } = this
    const older = this.#keys.filter(key => key.id >= dropBelow && key !== current)
    const keys = [...older, { ...current, counted: counted ?? current.counted }, ...(add ? [add] : [])]
    const bytes = Buffer.alloc(headLength + keys.length * rowLength)
    bytes.writeUInt8(format)
    bytes.set(this.#macRoot, 1)
    bytes.writeUInt32BE(keys.length, 1 + keyLength)
    for (const [index, key] of keys.entries()) writeKey(key, bytes.subarray(headLength + index * rowLength))
    return bytes
  }

  /** The key of the next rotation. It is not in the keyring before it is adopted, and nothing may be sealed with it before it is stored. */
  nextKey(random: Random, now: Temporal.Instant): EncryptionKey {
    const { id } = this.current
    if (id - this.#stored + 1 >= keysMax) throw new BrokerError('invalid_request', `the keyring is full: it holds ${keysMax} keys`)
    return newKey(id + 1, random, now)
  }

  /** Makes a change that is stored. A dropped key goes on opening until the end of this keyring: a value that was read before may still be in somebody's hands. */
  adopt({ add, dropBelow, counted }: KeyringChange): void {
    const { current } = this
    if (counted !== undefined) current.counted = counted
    if (add) this.#keys.push(add)
    if (dropBelow !== undefined) this.#stored = Math.max(this.#stored, Math.min(dropBelow, this.current.id))
  }

  get current(): EncryptionKey {
    this.#mustBeOpen()
    return this.#keys.at(-1)!
  }

  /** Id of the oldest key that is stored. */
  get oldest(): number {
    this.#mustBeOpen()
    return this.#stored
  }

  key(id: number): EncryptionKey | undefined {
    this.#mustBeOpen()
    return this.#keys[id - this.#keys[0]!.id]
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

// Its first block is stored with it.
function newKey(id: number, random: Random, createdAt: Temporal.Instant): EncryptionKey {
  return { id, createdAt, bytes: new Secret(ownBytes(random.bytes(keyLength))), counted: encryptionsBlock, left: encryptionsBlock }
}

function readKey(row: Buffer): EncryptionKey {
  return {
    id: row.readUInt32BE(0),
    createdAt: Temporal.Instant.fromEpochMilliseconds(row.readUIntBE(4, 6)),
    counted: row.readUIntBE(10, 6),
    // Whoever counted them may have made them all.
    left: 0,
    bytes: new Secret(ownBytes(row.subarray(16, 16 + keyLength)))
  }
}

function writeKey(key: EncryptionKey, row: Buffer): void {
  row.writeUInt32BE(key.id, 0)
  row.writeUIntBE(key.createdAt.epochMilliseconds, 4, 6)
  row.writeUIntBE(key.counted, 10, 6)
  row.set(key.bytes.reveal(), 16)
}

// A copy in memory of its own: zeroing it must reach every copy that we hold, and nobody else's bytes.
function ownBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}

function malformed(): BrokerError {
  return new BrokerError('integrity', 'the keyring is malformed')
}

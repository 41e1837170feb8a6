import { BrokerError } from '../contracts/index.ts'
import type { Json, Random } from '../contracts/index.ts'
import { decrypt, encrypt } from './aead.ts'
import { deriveKey } from './derive-key.ts'
import { encryptionsBlock } from './keyring.ts'
import type { EncryptionKey, Keyring } from './keyring.ts'
import { MacKey } from './mac-key.ts'
import type { Place } from './place.ts'

/** NIST SP 800-38D §8.3, for nonces that are as good as random. */
export const encryptionsMax = 2 ** 32
// Half a block is left when the next one is asked for: more than are made while it is committed.
const lowMark = encryptionsBlock / 2
// Purposes are few words of our own and a name per audit device; more than this is a purpose made of input, and would grow without end.
const purposesMax = 1_000
const saltLength = 16

interface Opened {
  readonly place: Place
  readonly value: Json
}

/** Everything secret in the store passes here: sealed on the way in, opened on the way out, each value at its own place. */
export class Barrier {
  readonly #keyring: Keyring
  readonly #random: Random
  readonly #nonceKey: Uint8Array
  readonly #macKeys = new Map<string, MacKey>()
  #opened = new WeakMap<Uint8Array, Opened>()
  #count = 0
  #runsLow: () => void = () => undefined
  #lastSalt = Buffer.alloc(0)

  private constructor(keyring: Keyring, random: Random) {
    this.#keyring = keyring
    this.#random = random
    this.#nonceKey = deriveKey(keyring.macRoot.reveal(), 'nonce')
  }

  /** The barrier owns the keyring from here on, and zeroes it in the end. */
  static create(keyring: Keyring, random: Random): Barrier {
    return new Barrier(keyring, random)
  }

  seal(place: Place, plain: Uint8Array): Uint8Array {
    const key = this.#keyring.current
    this.#spend(key)
    const source = { key: this.#nonceKey, salt: this.#freshSalt(), count: this.#count++ }
    return encrypt({ id: key.id, bytes: key.bytes.reveal() }, source, place, plain)
  }

  /** Throws `integrity` on any mismatch. */
  open(place: Place, sealed: Uint8Array): Uint8Array {
    this.#mustBeOpen()
    return decrypt(id => this.#keyring.key(id)?.bytes.reveal(), place, sealed)
  }

  sealJson(place: Place, value: Json): Uint8Array {
    return this.seal(place, Buffer.from(JSON.stringify(value)))
  }

  openJson(place: Place, sealed: Uint8Array): Json {
    const text = Buffer.from(this.open(place, sealed)).toString()
    try {
      return JSON.parse(text) as Json
    } catch {
      // Without the cause: the parser's message quotes the text.
      throw new BrokerError('integrity', `a sealed value of ${place.table}.${place.column} is no JSON`)
    }
  }

  /** As `openJson`, for bytes that the store keeps: opened once as long as these very bytes are there. The value is frozen, because others have it too. */
  openKept(place: Place, sealed: Uint8Array): Json {
    this.#mustBeOpen()
    const known = this.#opened.get(sealed)
    if (known && known.place.row === place.row && known.place.table === place.table && known.place.column === place.column)
      return known.value
    const value = frozen(this.openJson(place, sealed))
    this.#opened.set(sealed, { place, value })
    return value
  }

  /** HMAC-SHA-256 under a key of this purpose alone. It outlives rotation: what was hashed stays findable. */
  mac(purpose: string, data: string | Uint8Array): Uint8Array {
    this.#mustBeOpen()
    return this.#macKey(purpose).mac(data)
  }

  /** As `mac`, in hex. */
  macHex(purpose: string, data: string | Uint8Array): string {
    this.#mustBeOpen()
    return this.#macKey(purpose).hex(data)
  }

  /** Of the present key: its term, its age and how often it has sealed. */
  get keyStatus(): { readonly term: number; readonly installedAt: Temporal.Instant; readonly encryptions: number } {
    const { id, createdAt, counted, left } = this.#keyring.current
    return { term: id, installedAt: createdAt, encryptions: counted - left }
  }

  /** Called when half a block of encryptions is left, and again when none is. */
  whenLow(ask: () => void): void {
    this.#runsLow = ask
  }

  /** Zeroes every key; afterwards everything throws `sealed`. */
  destroy(): void {
    this.#keyring.destroy()
    this.#opened = new WeakMap()
    this.#nonceKey.fill(0)
    for (const key of this.#macKeys.values()) key.destroy()
    this.#macKeys.clear()
  }

  /** Only what the store has counted already is made. */
  #spend(key: EncryptionKey): void {
    if (key.left === 0) {
      this.#runsLow()
      if (key.counted >= encryptionsMax)
        throw new BrokerError('integrity', `encryption key ${key.id} has sealed ${encryptionsMax} values and must be rotated`)
      throw new BrokerError('store_unreachable', `encryptions of key ${key.id} could not be counted in the store, so none is made`)
    }
    key.left--
    if (key.left === lowMark) this.#runsLow()
  }

  // The nonce would survive a stuck generator, but passwords and tokens made by it would not: better to stop where it shows.
  #freshSalt(): Uint8Array {
    const salt = Buffer.from(this.#random.bytes(saltLength))
    if (salt.equals(this.#lastSalt)) throw new BrokerError('integrity', 'the random source repeats itself')
    this.#lastSalt = salt
    return salt
  }

  #macKey(purpose: string): MacKey {
    const known = this.#macKeys.get(purpose)
    if (known) return known
    if (this.#macKeys.size >= purposesMax) throw new Error(`more than ${purposesMax} purposes of hashing`)
    const key = new MacKey(deriveKey(this.#keyring.macRoot.reveal(), `mac ${purpose}`))
    this.#macKeys.set(purpose, key)
    return key
  }

  #mustBeOpen(): void {
    void this.#keyring.current
  }
}

function frozen(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value
  for (const part of Object.values(value)) frozen(part)
  return Object.freeze(value)
}

import type { Random } from '../contracts/index.ts'
import type { Keyring, KeyringChange } from './keyring.ts'
import { openKeyring, sealKeyring } from './root-key.ts'

interface Stored {
  readonly keyring: Uint8Array
  readonly instance: string
}

/** The keyring of an unsealed broker together with what the store holds of it, and the root key that seals it. A change is sealed first, committed by the caller, and only then
 *  made here: nothing is ever sealed under a key that a crash would lose. */
export class StoredKeyring implements Disposable {
  readonly keyring: Keyring
  readonly #rootKey: Uint8Array
  readonly #instance: string
  readonly #random: Random
  #bytes: Uint8Array

  private constructor(keyring: Keyring, rootKey: Uint8Array, stored: Stored, random: Random) {
    this.keyring = keyring
    this.#rootKey = rootKey
    this.#instance = stored.instance
    this.#random = random
    this.#bytes = stored.keyring
  }

  /** Keeps a copy of the root key until it is disposed. Throws `integrity` when root key and keyring do not belong together. */
  static open(stored: Stored, rootKey: Uint8Array, random: Random): StoredKeyring {
    return new StoredKeyring(openKeyring(stored.keyring, rootKey, stored.instance), new Uint8Array(rootKey), stored, random)
  }

  /** What the store holds, as far as is known here: the condition of the next change. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  /** What has to be stored before `made`. */
  sealed(change: KeyringChange): Uint8Array {
    return sealKeyring(this.keyring, this.#rootKey, this.#instance, this.#random, change)
  }

  made(change: KeyringChange, bytes: Uint8Array): void {
    this.keyring.adopt(change)
    this.#bytes = bytes
  }

  /** Takes over what the store holds now: a change whose outcome was unknown here, or another node's. Its counts are not ours to use. */
  catchUp(bytes: Uint8Array): void {
    if (Buffer.from(bytes).equals(this.#bytes)) return
    const found = openKeyring(bytes, this.#rootKey, this.#instance)
    for (let id = this.keyring.current.id + 1; id <= found.current.id; id++) this.keyring.adopt({ add: found.key(id)! })
    this.made({ counted: found.current.counted, dropBelow: found.oldest }, bytes)
  }

  /** For wrapping it anew. The bytes are not to be kept. */
  get rootKey(): Uint8Array {
    return this.#rootKey
  }

  [Symbol.dispose](): void {
    this.#rootKey.fill(0)
    this.keyring.destroy()
  }
}

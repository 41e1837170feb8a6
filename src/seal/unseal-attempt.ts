import { BrokerError } from '../contracts/index.ts'
import type { Random } from '../contracts/index.ts'
import { sameSecret } from './compare.ts'
import { parseShare } from './parse-share.ts'
import { rootKeyPlace } from './root-key.ts'
import { combine } from './shamir.ts'
import { openUnderKey } from './under-key.ts'

/** Operators bring their shares one by one, to one node, while it is sealed.
 *
 *  Nothing tells which share was wrong (invariant X6): a share is judged only together with its set, and a set that does not open is thrown away whole. Even
 *  two different shares of one x, of which one must be wrong, are counted like any others. */
export class UnsealAttempt {
  readonly #threshold: number
  readonly #wrapped: Uint8Array
  readonly #random: Random
  #shares: Uint8Array[] = []
  #nonce = ''

  constructor(seal: { readonly threshold: number; readonly wrapped: Uint8Array }, random: Random) {
    this.#threshold = seal.threshold
    this.#wrapped = seal.wrapped
    this.#random = random
  }

  get progress(): number {
    return this.#shares.length
  }

  /** Names this attempt, so that operators see whether they work on the same one; empty while there is none. */
  get nonce(): string {
    return this.#nonce
  }

  /** The root key, once enough shares are there; the caller zeroes it. Hex or base64. The same share again is no progress and no error. A share that
   *  cannot be one is refused and changes nothing; a set that does not open throws `invalid key: …` and leaves no progress. */
  add(text: string): Uint8Array | undefined {
    const share = parseShare(text)
    if (this.#shares.some(known => sameSecret(known, share))) return undefined
    if (this.#shares.length === 0) this.#nonce = uuid(this.#random)
    this.#shares.push(share)
    return this.#shares.length < this.#threshold ? undefined : this.#finish()
  }

  reset(): void {
    for (const share of this.#shares) share.fill(0)
    this.#shares = []
    this.#nonce = ''
  }

  #finish(): Uint8Array {
    const unsealKey = combine(this.#shares)
    this.reset()
    if (!unsealKey) throw wrongSet()
    try {
      return openUnderKey(unsealKey, rootKeyPlace, this.#wrapped)
    } catch (cause) {
      throw wrongSet(cause)
    } finally {
      unsealKey.fill(0)
    }
  }
}

function wrongSet(cause?: unknown): BrokerError {
  return new BrokerError('invalid_request', 'invalid key: the shares do not open this broker; all of them have to be entered again', {
    cause
  })
}

function uuid(random: Random): string {
  const bytes = random.bytes(16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

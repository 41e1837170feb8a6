import { createHmac } from 'node:crypto'

/** What makes a nonce: a secret key, a fresh random salt, and how many nonces this source has made. */
export interface NonceSource {
  readonly key: Uint8Array
  readonly salt: Uint8Array
  readonly count: number
}

/** A nonce that holds when its inputs fail (invariant X3). Plain random bits repeat when a virtual machine is cloned or restored from a snapshot (the
 *  generator's state is copied with the process), and a counter goes back with it. So the nonce is a keyed hash of the salt, the count *and what is about to be
 *  encrypted*: clones that go different ways part at the first byte, and the same text at the same place under the same nonce is the same
 *  ciphertext, which tells nothing new. A stuck random source leaves the count; a restored count leaves the random bits.
 *
 *  The output is as good as random, so NIST SP 800-38D §8.3 applies: at most 2^32 encryptions under one key. */
export function hedgedNonce(source: NonceSource, bound: Uint8Array, plain: Uint8Array): Uint8Array {
  const lengths = Buffer.alloc(14)
  lengths.writeUIntBE(source.count, 0, 6)
  lengths.writeUInt32BE(source.salt.length, 6)
  lengths.writeUInt32BE(bound.length, 10)
  return createHmac('sha256', source.key).update(lengths).update(source.salt).update(bound).update(plain).digest()
}

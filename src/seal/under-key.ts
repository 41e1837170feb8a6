import type { Random } from '../contracts/index.ts'
import { decrypt, encrypt } from './aead.ts'
import { deriveKey } from './derive-key.ts'
import type { Place } from './place.ts'

// A lone key has no place in a keyring, whose ids begin at 1: what it sealed can never pass for a value of the barrier.
const loneKeyId = 0

/** Seals a few bytes under one key: the keyring under the root key, the root key under the unseal key. */
export function sealUnderKey(key: Uint8Array, place: Place, plain: Uint8Array, random: Random): Uint8Array {
  const nonceKey = deriveKey(key, 'nonce')
  try {
    return encrypt({ id: loneKeyId, bytes: key }, { key: nonceKey, salt: random.bytes(16), count: 0 }, place, plain)
  } finally {
    nonceKey.fill(0)
  }
}

/** Throws `integrity` when key, place or bytes are not those of `sealUnderKey`. */
export function openUnderKey(key: Uint8Array, place: Place, sealed: Uint8Array): Uint8Array {
  return decrypt(id => (id === loneKeyId ? key : undefined), place, sealed)
}

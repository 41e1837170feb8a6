import type { Random } from '../contracts/index.ts'
import { Keyring } from './keyring.ts'
import type { KeyringChange } from './keyring.ts'
import type { Place } from './place.ts'
import { openUnderKey, sealUnderKey } from './under-key.ts'

/** The root key seals the keyring; the seal wraps the root key. So a rotation of keys leaves the seal alone, and a new seal (rekey) leaves the data alone. */
export const rootKeyPlace: Place = { table: 'seal', row: 'root', column: 'root_key' }

export function createRootKey(random: Random): Uint8Array {
  return new Uint8Array(random.bytes(32))
}

/** As it is to be after `change`. Bound to the instance, so that a keyring of another store under the same key file does not open here. */
export function sealKeyring(
  keyring: Keyring,
  rootKey: Uint8Array,
  instance: string,
  random: Random,
  change: KeyringChange = {}
): Uint8Array {
  const plain = keyring.serialise(change)
  try {
    return sealUnderKey(rootKey, keyringPlace(instance), plain, random)
  } finally {
    plain.fill(0)
  }
}

/** Throws `integrity` when root key, instance or bytes do not belong together. */
export function openKeyring(sealed: Uint8Array, rootKey: Uint8Array, instance: string): Keyring {
  const plain = openUnderKey(rootKey, keyringPlace(instance), sealed)
  try {
    return Keyring.parse(plain)
  } finally {
    plain.fill(0)
  }
}

function keyringPlace(instance: string): Place {
  return { table: 'seal', row: instance, column: 'keyring' }
}

import { hkdfSync } from 'node:crypto'

/** A 32-byte key for one purpose (HKDF-SHA-256, RFC 5869). No salt: the input is uniformly random already. */
export function deriveKey(root: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', root, new Uint8Array(), `mayfly 1 ${purpose}`, 32))
}

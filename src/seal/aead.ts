import { createCipheriv, createDecipheriv } from 'node:crypto'
import { BrokerError } from '../contracts/index.ts'
import { hedgedNonce } from './hedged-nonce.ts'
import type { NonceSource } from './hedged-nonce.ts'
import { associatedData } from './place.ts'
import type { Place } from './place.ts'

// Format byte, key id (4 bytes), nonce, text, tag.
const format = 1
const headerLength = 5
const nonceLength = 12
const tagLength = 16

/** AES-256-GCM, bound to its place. */
export function encrypt(
  key: { readonly id: number; readonly bytes: Uint8Array },
  source: NonceSource,
  place: Place,
  plain: Uint8Array
): Uint8Array {
  const header = headerOf(key.id)
  const bound = associatedData(header, place)
  const nonce = hedgedNonce(source, bound, plain).subarray(0, nonceLength)
  const cipher = createCipheriv('aes-256-gcm', key.bytes, nonce, { authTagLength: tagLength }).setAAD(bound)
  const text = cipher.update(plain)
  cipher.final()
  return inOwnMemory([header, nonce, text, cipher.getAuthTag()])
}

/** Throws `integrity` for every mismatch: absent is what is not stored, never what does not open. */
export function decrypt(keyOf: (id: number) => Uint8Array | undefined, place: Place, sealed: Uint8Array): Uint8Array {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
  if (bytes.length < headerLength + nonceLength + tagLength) throw doesNotOpen(place, 'too short')
  if (bytes[0] !== format) throw doesNotOpen(place, 'unknown format')
  const header = bytes.subarray(0, headerLength)
  const key = keyOf(header.readUInt32BE(1))
  if (!key) throw doesNotOpen(place, 'unknown key')
  return decryptWith(key, header, place, bytes.subarray(headerLength))
}

function decryptWith(key: Uint8Array, header: Uint8Array, place: Place, rest: Buffer): Uint8Array {
  const [nonce, text, tag] = [rest.subarray(0, nonceLength), rest.subarray(nonceLength, -tagLength), rest.subarray(-tagLength)]
  // The length is stated, because a decipher takes shorter tags otherwise, and 4 bytes can be guessed.
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagLength })
  decipher.setAAD(associatedData(header, place)).setAuthTag(tag)
  const plain = decipher.update(text)
  try {
    decipher.final()
    return new Uint8Array(plain)
  } catch {
    throw doesNotOpen(place, 'tag mismatch')
  } finally {
    plain.fill(0)
  }
}

// `Buffer.concat` takes short results from a pool that all of the process shares, and a message to a worker copies the whole of it, neighbours included.
function inOwnMemory(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

function headerOf(keyId: number): Buffer {
  const header = Buffer.alloc(headerLength)
  header.writeUInt8(format)
  header.writeUInt32BE(keyId, 1)
  return header
}

// The row goes to the log only: the message reaches a caller, who need not know which rows exist.
function doesNotOpen(place: Place, reason: string): BrokerError {
  const cause = new Error(`row ${JSON.stringify(place.row)}: ${reason}`)
  return new BrokerError('integrity', `a sealed value of ${place.table}.${place.column} does not open: it was cut, edited or moved`, {
    cause
  })
}

import type { Random } from '../contracts/index.ts'

/** RFC 9562, version 4. */
export function uuid(random: Random): string {
  return uuidOf(random.bytes(16))
}

/** In the same shape, of bytes that are as good as random. */
export function uuidOf(random: Uint8Array): string {
  const bytes = Buffer.from(random.subarray(0, 16))
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

import type { Random } from '../contracts/index.ts'

export const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

// 248 is the largest multiple of 62 in a byte: what lies above is thrown away, so that every character is equally likely.
const unbiasedBelow = 248

/** `length` random characters of `[0-9A-Za-z]`, 5.95 bits each. */
export function randomBase62(random: Random, length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of random.bytes(length - text.length + 8)) {
      if (byte < unbiasedBelow && text.length < length) text += base62[byte % 62]
    }
  }
  return text
}

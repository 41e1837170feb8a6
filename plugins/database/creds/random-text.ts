import type { Random } from 'mayfly/plugin'

/** `length` characters of `alphabet`, at most 64 of them, each equally likely: six bits of a byte choose, and a choice outside the alphabet is thrown away. */
export function randomText(random: Random, alphabet: string, length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of random.bytes(length - text.length + 4)) {
      const character = alphabet[byte & 63]
      if (character !== undefined && text.length < length) text += character
    }
  }
  return text
}

import type { Random } from '../contracts/index.ts'
import { randomBase62 } from '../lease/base62.ts'

/** A new token, as its holder sees it: 154 bits. The prefix says what kind it is: a service token. */
export function tokenText(random: Random): string {
  return `s.${randomBase62(random, 26)}`
}

import type { Random } from 'mayfly/plugin'

const charsMax = 64
const prefix = 'mayfly-'
// No upper case: to IAM two names that differ in case alone are one. 36^20 is 103 bits.
const alphabet = '0123456789abcdefghijklmnopqrstuvwxyz'
const randomCharacters = 20
const partCharacters = Math.floor((charsMax - prefix.length - randomCharacters - 2) / 2)

/** `mayfly-<display>-<role>-<random>`, at most 64 of the characters that IAM takes. It is random enough that nobody else has it, and readable enough to say whose it is. */
export function newUserName(displayName: string, roleName: string, random: Random): string {
  const [display, role] = [displayName, roleName].map(part => part.replaceAll(/[^\w+=,.@-]/g, '_').slice(0, partCharacters))
  const end = Array.from({ length: randomCharacters }, () => alphabet[random.below(alphabet.length)]).join('')
  return `${prefix}${display}-${role}-${end}`
}

/** What looks like a name of ours, of whichever broker. */
export const looksLikeOurs = (name: string): boolean => /^mayfly-.*-[0-9a-z]{20}$/i.test(name)

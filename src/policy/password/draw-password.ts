import type { Random } from '../../contracts/clock.ts'
import { alphabetOf } from './password-policy.ts'
import type { CharsetRule, PasswordPolicy } from './password-policy.ts'

/** A way to draw candidates: text of the policy's length, every one equally likely; nothing when the candidate breaks a rule. */
export function passwordDraw(policy: PasswordPolicy, random: Random): () => string | undefined {
  const alphabet = alphabetOf(policy)
  const ordered = { ...policy, rules: policy.rules.toSorted(byBreaks) }
  return () => {
    const candidate = randomText(random, alphabet, policy.length)
    return keeps(ordered, candidate) ? candidate : undefined
  }
}

/** What is broken most often is looked at first: thousands of candidates are drawn in one go, while nobody else is served. */
function byBreaks(a: CharsetRule, b: CharsetRule): number {
  return a.charset.length - b.charset.length || b.charactersMin - a.charactersMin
}

function keeps({ rules, notFirst }: PasswordPolicy, candidate: string): boolean {
  return !notFirst?.includes(candidate.charAt(0)) && rules.every(rule => has(candidate, rule))
}

function has(candidate: string, { charset, charactersMin }: CharsetRule): boolean {
  let left = charactersMin
  for (let at = 0; at < candidate.length && left > 0; at += 1) if (charset.includes(candidate.charAt(at))) left -= 1
  return left <= 0
}

/** A byte above the largest multiple of the alphabet's size is thrown away: no character is likelier than another. */
function randomText(random: Random, alphabet: string, length: number): string {
  const unbiasedBelow = 256 - (256 % alphabet.length)
  let text = ''
  while (text.length < length) {
    for (const byte of random.bytes(length - text.length + 8))
      if (byte < unbiasedBelow && text.length < length) text += alphabet.charAt(byte % alphabet.length)
  }
  return text
}

import type { Random } from '../../contracts/clock.ts'
import { BrokerError } from '../../contracts/errors.ts'
import { passwordDraw } from './draw-password.ts'
import { alphabetOf } from './password-policy.ts'
import type { PasswordPolicy } from './password-policy.ts'

// Twenty of 20,000: one candidate in a thousand. Of a policy that keeps fewer each password would cost milliseconds.
const keptMin = 20
const candidatesMax = 20_000
// What guessing offline does not reach for long.
const bitsMin = 64
const rangeLike = /a-z|A-Z|0-9/

/** Draws passwords until it is clear that the policy can be met, and how many bits one has. Refuses what would not be met at use; tells of what is weak. */
export function tryPolicy(policy: PasswordPolicy, random: Random): { readonly warnings: readonly string[] } {
  const required = policy.rules.reduce((sum, rule) => sum + rule.charactersMin, 0)
  const share = keptShare(policy, random)
  if (share === 0)
    throw impossible(
      required > policy.length
        ? `they ask for ${required} characters of ${policy.length}`
        : `fewer than ${keptMin} of ${candidatesMax} random texts keep them`
    )
  const bits = Math.floor(policy.length * Math.log2(alphabetOf(policy).length) + Math.log2(share))
  return {
    warnings: [
      ...(bits < bitsMin ? [`its passwords have about ${Math.max(0, bits)} bits: fewer than ${bitsMin} can be guessed`] : []),
      ...(policy.rules.some(({ charset }) => rangeLike.test(charset)) ? ['a charset has no ranges: a-z is the characters a, - and z'] : [])
    ]
  }
}

/** How many of the candidates keep the rules: 0 for too few. */
function keptShare(policy: PasswordPolicy, random: Random): number {
  const draw = passwordDraw(policy, random)
  let kept = 0
  for (let count = 1; count <= candidatesMax; count += 1) {
    if (draw() !== undefined) kept += 1
    if (kept === keptMin) return kept / count
  }
  return 0
}

function impossible(why: string): BrokerError {
  return new BrokerError('invalid_request', `unable to construct test password from provided policy: are the rules impossible? ${why}`)
}

import type { Random } from '../../contracts/clock.ts'
import { BrokerError } from '../../contracts/errors.ts'
import { passwordDraw } from './draw-password.ts'
import type { PasswordPolicy } from './password-policy.ts'

// A policy that is written keeps one candidate in some thousand: that so many fail does not happen.
const candidatesMax = 100_000

/** A whole candidate is thrown away until one keeps all rules, so that all passwords of the policy stay equally likely. */
export function generatePassword(policy: PasswordPolicy, random: Random): string {
  const draw = passwordDraw(policy, random)
  for (let count = 0; count < candidatesMax; count += 1) {
    const password = draw()
    if (password !== undefined) return password
  }
  throw new BrokerError('invalid_request', 'no password that keeps the rules of its policy was found: write the policy anew')
}

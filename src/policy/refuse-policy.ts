import { BrokerError } from '../contracts/errors.ts'

/** Names the line and the key, never a value: what was sent as a policy may be anything, a secret included. */
export function refusePolicy(line: number, message: string): BrokerError {
  return new BrokerError('invalid_request', `failed to parse policy: line ${line}: ${message}`)
}

/** A word of the policy, repeated only where it can be no more than a misspelled keyword. */
export function quoted(word: string): string {
  return /^[a-z_]{1,40}$/i.test(word) ? `"${word}"` : '(not shown)'
}

import { BrokerError } from '../contracts/errors.ts'

/** A mistake in a text of HCL or JSON. `mistake` says it without the kind of text it stands in. */
export class PolicyMistake extends BrokerError {
  readonly mistake: string

  constructor(line: number, message: string) {
    const mistake = `line ${line}: ${message}`
    super('invalid_request', `failed to parse policy: ${mistake}`)
    this.mistake = mistake
  }
}

/** Names the line and the key, never a value: what was sent as a policy may be anything, a secret included. */
export function refusePolicy(line: number, message: string): PolicyMistake {
  return new PolicyMistake(line, message)
}

/** A word of the policy, repeated only where it can be no more than a misspelled keyword. */
export function quoted(word: string): string {
  return /^[a-z_]{1,40}$/i.test(word) ? `"${word}"` : '(not shown)'
}

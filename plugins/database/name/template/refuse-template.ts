import { BrokerError } from 'mayfly/plugin'

/** Names the character at which it stops to make sense, counted from 1. Words of the template are shown only where they can be names. */
export function refuseTemplate(at: number, message: string): BrokerError {
  return new BrokerError('invalid_request', `character ${at + 1}: ${message}`)
}

export function shownWord(word: string): string {
  return /^[\w.$]{1,40}$/.test(word) ? `"${word}"` : '(not shown)'
}

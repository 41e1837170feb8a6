import { BrokerError } from 'mayfly/plugin'
import type { CutOff } from './session-recipe.ts'

/** `cut_on_revoke` as it is written: which sessions are cut when one is revoked. Nothing and `false`: none; `true`: that one alone. */
export function cutOff(text: string): CutOff | null {
  switch (text) {
    case '':
      return null
    case 'false':
    case 'none':
      return 'none'
    case 'true':
    case 'session_name':
      return 'session_name'
    case 'issue_time':
      return 'issue_time'
    default:
      throw new BrokerError('invalid_request', 'cut_on_revoke: expected "session_name", "issue_time" or "none"')
  }
}

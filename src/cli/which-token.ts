import type { JsonObject } from '../contracts/index.ts'
import type { Invocation } from './invocation.ts'
import { tokenTyped } from './token-typed.ts'
import { UsageError } from './usage-error.ts'

export const whichTokenTakes = { '[token]': 'another token than yours; - reads it from standard input' }
export const whichTokenOptions = { '--accessor <accessor>': 'the token of this accessor' }

export interface WhichToken {
  /** What follows the verb in the route: `lookup-self`, `lookup`, `lookup-accessor`. */
  readonly suffix: '-self' | '' | '-accessor'
  readonly fields: JsonObject
}

/** The token that a command is about: the user's own, one that is shown, or one that is named by its accessor. */
export async function whichToken(invocation: Invocation): Promise<WhichToken> {
  const accessor = invocation.typed.text('accessor')
  const [said] = invocation.typed.args
  if (accessor !== undefined && said !== undefined) throw new UsageError('name a token or an accessor, not both')
  if (accessor !== undefined) return { suffix: '-accessor', fields: { accessor } }
  if (said === undefined) return { suffix: '-self', fields: {} }
  const token = await tokenTyped(invocation, said)
  if (token === '') throw new UsageError('token: is empty')
  return { suffix: '', fields: { token } }
}

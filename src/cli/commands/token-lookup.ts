import type { CliCommand } from '../cli-command.ts'
import { showReply } from '../show-fields.ts'
import { whichToken, whichTokenOptions, whichTokenTakes } from '../which-token.ts'

export const tokenLookup: CliCommand = {
  name: 'token lookup',
  summary: 'show what a token is: its policies, its end, where it comes from',
  takes: whichTokenTakes,
  options: whichTokenOptions,
  hasFields: true,
  examples: ['mayfly token lookup', 'mayfly token lookup -accessor=8hVxZ0F8pUXXqCcXoMUXkRpL'],
  run: async invocation => {
    const { suffix, fields } = await whichToken(invocation)
    showReply(invocation, await invocation.request(suffix === '-self' ? 'GET' : 'POST', `auth/token/lookup${suffix}`, fields))
  }
}

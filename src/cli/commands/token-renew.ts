import type { CliCommand } from '../cli-command.ts'
import { showReply } from '../show-fields.ts'
import { whichToken, whichTokenOptions, whichTokenTakes } from '../which-token.ts'

export const tokenRenew: CliCommand = {
  name: 'token renew',
  summary: 'move the end of a token',
  takes: whichTokenTakes,
  options: { ...whichTokenOptions, '--increment <time>': 'how long from now it shall live; its maximum stays' },
  hasFields: true,
  examples: ['mayfly token renew', 'mayfly token renew -increment=30m'],
  run: async invocation => {
    const { suffix, fields } = await whichToken(invocation)
    const increment = invocation.typed.text('increment')
    const asked = { ...fields, ...(increment === undefined ? {} : { increment }) }
    showReply(invocation, await invocation.request('POST', `auth/token/renew${suffix}`, asked))
  }
}

import type { CliCommand } from '../cli-command.ts'
import { textAt } from '../json-at.ts'
import { policyRoute } from '../policy-route.ts'

export const policyRead: CliCommand = {
  name: 'policy read',
  summary: 'show the text of a policy',
  takes: { '<name>': 'the policy' },
  examples: ['mayfly policy read app', 'mayfly policy read app > app.hcl'],
  run: async invocation => {
    const { data } = await invocation.request('GET', policyRoute(invocation))
    if (invocation.terminal.format === 'json') invocation.terminal.json(data)
    else invocation.terminal.text(textAt(data, 'policy'))
  }
}

import type { CliCommand } from '../cli-command.ts'
import { policyRoute } from '../policy-route.ts'

export const policyDelete: CliCommand = {
  name: 'policy delete',
  summary: 'delete a policy; tokens that name it lose what it gave at once',
  takes: { '<name>': 'the policy' },
  examples: ['mayfly policy delete app'],
  run: async invocation => {
    await invocation.request('DELETE', policyRoute(invocation))
    invocation.terminal.say(`deleted, if it was there: policy ${invocation.typed.arg(0, 'name')}`)
  }
}

import type { CliCommand } from '../cli-command.ts'
import { showKeys } from '../show-keys.ts'

export const policyList: CliCommand = {
  name: 'policy list',
  summary: 'list the policies',
  examples: ['mayfly policy list'],
  run: async invocation => showKeys(invocation, await invocation.request('LIST', 'sys/policies/acl'))
}

import type { CliCommand } from '../cli-command.ts'
import { policyRoute } from '../policy-route.ts'
import { readNamedFile } from '../settings.ts'

export const policyWrite: CliCommand = {
  name: 'policy write',
  summary: 'write a policy; tokens that name it have it at once',
  takes: { '<name>': 'the policy', '<file>': 'its text, HCL or JSON; - reads it from standard input' },
  examples: [
    'mayfly policy write app app.hcl',
    `echo 'path "database/creds/readonly" { capabilities = ["read"] }' | mayfly policy write app -`
  ],
  run: async invocation => {
    const { typed, input, terminal } = invocation
    const route = policyRoute(invocation)
    const file = typed.arg(1, 'file')
    await invocation.request('PUT', route, { policy: file === '-' ? await input.text() : readNamedFile(file) })
    terminal.say(`written: policy ${typed.arg(0, 'name')}`)
  }
}

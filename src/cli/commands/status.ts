import type { CliCommand } from '../cli-command.ts'
import { exitCode } from '../exit-code.ts'
import { showSealStatus } from '../show-seal-status.ts'

export const status: CliCommand = {
  name: 'status',
  summary: 'show whether the server is initialised and unsealed',
  hasFields: true,
  details: 'Exit code: 0 unsealed, 2 sealed, 1 error. No token is needed.',
  examples: ['mayfly status', 'mayfly status -format=json | jq .sealed'],
  run: async invocation => {
    const { data } = await invocation.request('GET', 'sys/seal-status')
    showSealStatus(invocation, data ?? {})
    return data?.['sealed'] === false ? exitCode.done : exitCode.refused
  }
}

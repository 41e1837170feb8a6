import type { CliCommand } from '../cli-command.ts'
import { mountPath } from '../mount-settings.ts'

export const auditDisable: CliCommand = {
  name: 'audit disable',
  summary: 'stop sending the audit trail to a place',
  takes: { '<path>': 'its name' },
  examples: ['mayfly audit disable siem'],
  run: async invocation => {
    const path = mountPath(invocation.typed.arg(0, 'path'))
    await invocation.request('DELETE', `sys/audit/${path}`)
    invocation.terminal.say(`disabled, if it was there: ${path}/`)
  }
}

import type { CliCommand } from '../cli-command.ts'
import { mountPath } from '../mount-settings.ts'

export const authDisable: CliCommand = {
  name: 'auth disable',
  summary: 'unmount an auth method, with the end of every token that it gave',
  takes: { '<path>': 'where it is mounted' },
  examples: ['mayfly auth disable approle'],
  run: async invocation => {
    const path = mountPath(invocation.typed.arg(0, 'path'))
    await invocation.request('DELETE', `sys/auth/${path}`)
    invocation.terminal.say(`disabled, if it was there: ${path}/`)
  }
}

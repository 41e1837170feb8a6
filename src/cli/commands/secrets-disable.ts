import type { CliCommand } from '../cli-command.ts'
import { mountPath } from '../mount-settings.ts'

export const secretsDisable: CliCommand = {
  name: 'secrets disable',
  summary: 'unmount a backend, after all its leases have been ended',
  takes: { '<path>': 'where it is mounted' },
  examples: ['mayfly secrets disable database'],
  run: async invocation => {
    const path = mountPath(invocation.typed.arg(0, 'path'))
    await invocation.request('DELETE', `sys/mounts/${path}`)
    invocation.terminal.say(`disabled, if it was there: ${path}/`)
  }
}

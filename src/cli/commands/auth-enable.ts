import type { CliCommand } from '../cli-command.ts'
import { authSettingOptions, authSettings } from '../auth-settings.ts'
import { mountPath } from '../mount-settings.ts'

export const authEnable: CliCommand = {
  name: 'auth enable',
  summary: 'mount an auth method',
  takes: { '<type>': 'approle, or what a plugin brings' },
  options: { '--path <path>': 'where (its type)', '--description <text>': 'what for', ...authSettingOptions },
  examples: ['mayfly auth enable approle', 'mayfly auth enable -path=team/apps -max-lease-ttl=8h approle'],
  run: async invocation => {
    const { typed, terminal } = invocation
    const type = typed.arg(0, 'type')
    const path = mountPath(typed.text('path') ?? type)
    const description = typed.text('description')
    const fields = { type, ...(description === undefined ? {} : { description }), config: authSettings(typed) }
    await invocation.request('POST', `sys/auth/${path}`, fields)
    terminal.say(`enabled: ${type} at ${path}/`)
  }
}

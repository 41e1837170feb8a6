import type { CliCommand } from '../cli-command.ts'
import { authSettingOptions, authSettings } from '../auth-settings.ts'
import { mountPath } from '../mount-settings.ts'
import { showReply } from '../show-fields.ts'

export const authTune: CliCommand = {
  name: 'auth tune',
  summary: 'change the settings of an auth method, or show them',
  takes: { '<path>': 'where it is mounted' },
  options: { '--description <text>': 'what for', ...authSettingOptions },
  hasFields: true,
  details: 'Tokens keep what they were given with until they are renewed. 0 gives a TTL back to the system.',
  examples: ['mayfly auth tune approle', 'mayfly auth tune -default-lease-ttl=1h approle'],
  run: async invocation => {
    const { typed, terminal } = invocation
    const route = `sys/auth/${mountPath(typed.arg(0, 'path'))}/tune`
    const description = typed.text('description')
    const changes = { ...authSettings(typed), ...(description === undefined ? {} : { description }) }
    if (Object.keys(changes).length === 0) return showReply(invocation, await invocation.request('GET', route))
    await invocation.request('POST', route, changes)
    return terminal.say(`changed: ${Object.keys(changes).join(', ')}`)
  }
}

import type { CliCommand } from '../cli-command.ts'
import { mountPath, mountSettingOptions, mountSettings } from '../mount-settings.ts'
import { showReply } from '../show-fields.ts'

export const secretsTune: CliCommand = {
  name: 'secrets tune',
  summary: 'change the settings of a mount, or show them',
  takes: { '<path>': 'where it is mounted' },
  options: { '--description <text>': 'what for', ...mountSettingOptions },
  hasFields: true,
  details: 'Leases keep what they were issued with. 0 gives a TTL back to the system.',
  examples: ['mayfly secrets tune database', 'mayfly secrets tune -max-lease-ttl=8h database'],
  run: async invocation => {
    const { typed, terminal } = invocation
    const route = `sys/mounts/${mountPath(typed.arg(0, 'path'))}/tune`
    const description = typed.text('description')
    const changes = { ...mountSettings(typed), ...(description === undefined ? {} : { description }) }
    if (Object.keys(changes).length === 0) return showReply(invocation, await invocation.request('GET', route))
    await invocation.request('POST', route, changes)
    return terminal.say(`changed: ${Object.keys(changes).join(', ')}`)
  }
}

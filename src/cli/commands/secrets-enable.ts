import type { CliCommand } from '../cli-command.ts'
import { mountPath, mountSettingOptions, mountSettings } from '../mount-settings.ts'

export const secretsEnable: CliCommand = {
  name: 'secrets enable',
  summary: 'mount a backend',
  takes: { '<type>': 'database, ssh, aws or memory, or what a plugin brings' },
  options: { '--path <path>': 'where (its type)', '--description <text>': 'what for', ...mountSettingOptions },
  examples: ['mayfly secrets enable database', 'mayfly secrets enable -path=shop-db -default-lease-ttl=1h database'],
  run: async invocation => {
    const { typed, terminal } = invocation
    const type = typed.arg(0, 'type')
    const path = mountPath(typed.text('path') ?? type)
    const description = typed.text('description')
    const fields = { type, ...(description === undefined ? {} : { description }), config: mountSettings(typed) }
    await invocation.request('POST', `sys/mounts/${path}`, fields)
    terminal.say(`enabled: ${type} at ${path}/`)
  }
}

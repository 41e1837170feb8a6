import type { CliCommand } from '../cli-command.ts'
import { fieldsTyped } from '../fields-typed.ts'
import { mountPath } from '../mount-settings.ts'

export const auditEnable: CliCommand = {
  name: 'audit enable',
  summary: 'send the audit trail to one more place',
  takes: { '<type>': 'file', '[options...]': 'file_path=… (below the audit_dir of the configuration)' },
  options: { '--path <path>': 'its name (its type)', '--description <text>': 'what for' },
  examples: ['mayfly audit enable file file_path=audit/second.jsonl', 'mayfly audit enable -path=siem file file_path=audit/siem.jsonl'],
  run: async invocation => {
    const { typed, input, terminal } = invocation
    const type = typed.arg(0, 'type')
    const path = mountPath(typed.text('path') ?? type)
    const description = typed.text('description')
    const options = await fieldsTyped(typed.args.slice(1), input)
    await invocation.request('POST', `sys/audit/${path}`, { type, ...(description === undefined ? {} : { description }), options })
    terminal.say(`enabled: ${path}/`)
  }
}

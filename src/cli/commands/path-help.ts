import type { CliCommand } from '../cli-command.ts'
import { textAt } from '../json-at.ts'
import { UsageError } from '../usage-error.ts'

export const pathHelp: CliCommand = {
  name: 'path-help',
  summary: 'say what a path of the server is for, and its fields; of a mount, all its paths',
  takes: { '<path>': 'such as database/roles/readonly, or database' },
  examples: ['mayfly path-help database', 'mayfly path-help database/roles/readonly', 'mayfly path-help sys/leases/revoke'],
  run: async invocation => {
    const { typed, terminal } = invocation
    const { data } = await invocation.request('GET', typed.arg(0, 'path'), { help: '1' })
    const help = textAt(data, 'help')
    if (help === '') throw new UsageError(`the server has no help on ${typed.args[0] ?? ''}`)
    if (terminal.format === 'json') terminal.json(data)
    else terminal.text(help)
  }
}

import type { CliCommand } from '../cli-command.ts'
import { fieldsTyped } from '../fields-typed.ts'

export const deletePath: CliCommand = {
  name: 'delete',
  summary: 'delete what is at a path',
  takes: { '<path>': 'such as database/roles/readonly', '[fields...]': 'key=value, sent in the query' },
  details: 'Deleting a role or a connection ends no lease: mayfly lease revoke does.',
  examples: ['mayfly delete database/roles/readonly'],
  run: async invocation => {
    const { typed, input, terminal } = invocation
    const path = typed.arg(0, 'path')
    await invocation.request('DELETE', path, await fieldsTyped(typed.args.slice(1), input))
    terminal.say(`deleted, if it was there: ${path}`)
  }
}

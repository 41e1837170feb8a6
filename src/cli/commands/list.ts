import type { CliCommand } from '../cli-command.ts'
import { fieldsTyped } from '../fields-typed.ts'
import { showKeys } from '../show-keys.ts'

export const list: CliCommand = {
  name: 'list',
  summary: 'list the keys below a path',
  takes: { '<path>': 'such as database/roles', '[fields...]': 'key=value, sent in the query' },
  examples: ['mayfly list database/roles', 'mayfly list auth/token/accessors limit=10'],
  run: async invocation => {
    const { typed, input } = invocation
    const path = typed.arg(0, 'path')
    showKeys(invocation, await invocation.request('LIST', path, await fieldsTyped(typed.args.slice(1), input)))
  }
}

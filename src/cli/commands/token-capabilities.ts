import type { CliCommand } from '../cli-command.ts'
import { plain } from '../cell.ts'
import { jsonAt } from '../json-at.ts'
import { tokenTyped } from '../token-typed.ts'

export const tokenCapabilities: CliCommand = {
  name: 'token capabilities',
  summary: 'show what a token may do at a path',
  takes: { '<token-or-path>': 'the path; or another token (- reads it from standard input)', '[path]': 'the path, behind a token' },
  options: { '--accessor <accessor>': 'the token of this accessor' },
  examples: ['mayfly token capabilities database/creds/readonly', 'mayfly token capabilities - database/creds/readonly < token.txt'],
  run: async invocation => {
    const { typed, terminal } = invocation
    const accessor = typed.text('accessor')
    const path = typed.args[1] ?? typed.arg(0, 'path')
    const asked =
      accessor !== undefined
        ? { route: 'sys/capabilities-accessor', fields: { accessor } }
        : typed.args[1] === undefined
          ? { route: 'sys/capabilities-self', fields: {} }
          : { route: 'sys/capabilities', fields: { token: await tokenTyped(invocation, typed.arg(0, 'token')) } }
    const { data } = await invocation.request('POST', asked.route, { ...asked.fields, paths: [path] })
    const found = jsonAt(data, path) ?? jsonAt(data, 'capabilities') ?? []
    if (terminal.format === 'json') terminal.json(found)
    else terminal.say(plain(found))
  }
}

import type { CliCommand } from '../cli-command.ts'
import { fieldsTyped } from '../fields-typed.ts'
import { showReply } from '../show-fields.ts'
import { wrapOptions, wrapping } from '../wrapping.ts'

export const read: CliCommand = {
  name: 'read',
  summary: 'read a path; below creds/ this issues a credential',
  takes: { '<path>': 'such as database/creds/readonly', '[fields...]': 'key=value, sent in the query' },
  options: wrapOptions,
  hasFields: true,
  details: 'A credential is shown this once. It ends with its lease, and with your token.',
  examples: [
    'mayfly read database/creds/readonly',
    'mayfly read -field=password database/creds/readonly',
    'mayfly read -wrap-ttl=5m database/creds/readonly'
  ],
  run: async invocation => {
    const { typed, input } = invocation
    const [path, ...fields] = [typed.arg(0, 'path'), ...typed.args.slice(1)]
    showReply(invocation, await invocation.request('GET', path, await fieldsTyped(fields, input), wrapping(typed)))
  }
}

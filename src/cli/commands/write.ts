import type { CliCommand } from '../cli-command.ts'
import { fieldsTyped } from '../fields-typed.ts'
import { showReply } from '../show-fields.ts'
import { UsageError } from '../usage-error.ts'
import { wrapOptions, wrapping } from '../wrapping.ts'

export const write: CliCommand = {
  name: 'write',
  summary: 'write fields to a path',
  takes: {
    '<path>': 'such as database/roles/readonly',
    '[fields...]': 'key=value, key=@file, key=- for standard input; @file.json or - for a whole JSON object'
  },
  options: { '-f, --force': 'write without fields', ...wrapOptions },
  hasFields: true,
  details: 'A secret belongs into a file or standard input (password=@file, password=-): other processes can read a command line.',
  examples: [
    'mayfly write database/roles/readonly db_name=shop member_of=app_ro default_ttl=1h',
    'mayfly write database/config/shop plugin_name=postgresql-database-plugin username=mayfly password=@pw connection_url=@url',
    'mayfly write database/roles/readonly - < role.json'
  ],
  run: async invocation => {
    const { typed, input, terminal } = invocation
    const path = typed.arg(0, 'path')
    const words = typed.args.slice(1)
    if (words.length === 0 && !typed.flag('force')) throw new UsageError('no fields: name some, or say --force')
    const reply = await invocation.request('PUT', path, await fieldsTyped(words, input), wrapping(typed))
    if (reply.data === null && reply.auth === null && reply.wrap_info === null && reply.lease_id === '') terminal.say(`written: ${path}`)
    else showReply(invocation, reply)
  }
}

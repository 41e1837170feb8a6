import type { CliCommand } from '../cli-command.ts'
import { showReply } from '../show-fields.ts'
import { tokenTyped } from '../token-typed.ts'
import { UsageError } from '../usage-error.ts'

export const unwrap: CliCommand = {
  name: 'unwrap',
  summary: 'open a reply that was wrapped for you, once',
  takes: { '[token]': 'the wrapping token; - reads it from standard input; without one, yours is it' },
  hasFields: true,
  details: 'When it does not open any more, somebody may have been faster: what was wrapped must be revoked then, not asked for again.',
  examples: ['mayfly unwrap - < wrapping-token.txt', 'mayfly unwrap -field=password - < wrapping-token.txt'],
  run: async invocation => {
    const [said] = invocation.typed.args
    // The wrapping token is its own right to open: no other is needed, and none is shown.
    const options = said === undefined ? {} : { token: await tokenTyped(invocation, said) }
    if (options.token === '') throw new UsageError('token: is empty')
    showReply(invocation, await invocation.request('PUT', 'sys/wrapping/unwrap', undefined, options))
  }
}

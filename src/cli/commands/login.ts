import type { CliCommand } from '../cli-command.ts'
import { fromEnvironment } from '../settings.ts'
import { showReply } from '../show-fields.ts'
import { storeToken } from '../token-file.ts'
import { tokenTyped } from '../token-typed.ts'
import { UsageError } from '../usage-error.ts'

export const login: CliCommand = {
  name: 'login',
  summary: 'check a token and keep it in ~/.mayfly-token',
  takes: { '[token]': 'the token; without it you are asked, or it is read from standard input' },
  options: { '--no-store': 'only check it' },
  hasFields: true,
  examples: ['mayfly login', 'mayfly login - < token.txt'],
  run: async invocation => {
    const { typed, terminal, io } = invocation
    const token = await tokenTyped(invocation, typed.args[0] ?? '-')
    if (token === '') throw new UsageError('token: is empty')
    invocation.useToken(token, 'this login')
    const reply = await invocation.request('GET', 'auth/token/lookup-self')
    if (!typed.denied('store')) terminal.note(`logged in; the token is in ${storeToken(io.homeDir, token)}`)
    const { id: _, ...shown } = reply.data ?? {}
    showReply(invocation, { ...reply, data: shown })
    const other = fromEnvironment(io.env, 'TOKEN')
    if (other !== undefined && !typed.denied('store')) terminal.warn(`${other.from} is set and goes before the stored token`)
  }
}

import type { JsonObject } from '../../contracts/index.ts'
import type { CliCommand } from '../cli-command.ts'
import { fieldsTyped } from '../fields-typed.ts'
import type { Invocation } from '../invocation.ts'
import { mountPath } from '../mount-settings.ts'
import { fromEnvironment } from '../settings.ts'
import { showReply } from '../show-fields.ts'
import { storeToken } from '../token-file.ts'
import { tokenTyped } from '../token-typed.ts'
import { UsageError } from '../usage-error.ts'

export const login: CliCommand = {
  name: 'login',
  summary: 'log in, and keep the token in ~/.mayfly-token',
  takes: {
    '[proof...]':
      'the token, or without it you are asked; with -method=approle role_id=… and secret_id=@file or secret_id=- for standard input'
  },
  options: {
    '--method <name>': 'token or approle (token)',
    '--path <path>': 'where the method is mounted (its name)',
    '--no-store': 'do not keep the token; of another method than token it is shown'
  },
  hasFields: true,
  examples: [
    'mayfly login',
    'mayfly login - < token.txt',
    'mayfly login -method=approle role_id=5c1e… secret_id=@/run/app/secret-id',
    'mayfly login -method=approle -path=team/apps -no-store -field=token role_id=@role-id secret_id=-'
  ],
  run: async invocation => {
    const method = invocation.typed.text('method') ?? 'token'
    if (method === 'token') return withToken(invocation)
    if (method === 'approle') return withProof(invocation, method)
    throw new UsageError('method: expected token or approle')
  }
}

/** The user has a token already: it is looked at, and kept. */
async function withToken(invocation: Invocation): Promise<void> {
  const { typed } = invocation
  if (typed.args.length > 1 || typed.text('path') !== undefined) throw new UsageError('a login with a token takes the token only')
  const token = await tokenTyped(invocation, typed.args[0] ?? '-')
  if (token === '') throw new UsageError('token: is empty')
  invocation.useToken(token, 'this login')
  const reply = await invocation.request('GET', 'auth/token/lookup-self')
  keep(invocation, token)
  const { id: _, ...shown } = reply.data ?? {}
  showReply(invocation, { ...reply, data: shown })
  warnOfOther(invocation)
}

/** The server gives a token for what the user proves. */
async function withProof(invocation: Invocation, method: string): Promise<void> {
  const { typed } = invocation
  const path = mountPath(typed.text('path') ?? method)
  const fields = await proof(invocation)
  invocation.useNoToken()
  const reply = await invocation.request('POST', `auth/${path}/login`, fields)
  if (reply.auth === null) throw new UsageError(`auth/${path}/login gave no token`)
  if (typed.denied('store')) return showReply(invocation, reply)
  keep(invocation, reply.auth.client_token)
  showReply(invocation, { ...reply, auth: { ...reply.auth, client_token: '(kept)' } })
  return warnOfOther(invocation)
}

/** A file ends with a line, and no proof does. */
async function proof({ typed, input, terminal }: Invocation): Promise<JsonObject> {
  if (typed.args.length === 0) throw new UsageError('no proof: say role_id=… and secret_id=@file')
  if (typed.args.some(word => /^secret_id=[^@-]/.test(word)))
    terminal.warn(
      'a secret id on the command line stays in the history of your shell, and other processes can read it: secret_id=@file or secret_id=- does not'
    )
  const fields = await fieldsTyped(typed.args, input)
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, typeof value === 'string' ? value.trim() : value]))
}

function keep({ typed, terminal, io }: Invocation, token: string): void {
  if (!typed.denied('store')) terminal.note(`logged in; the token is in ${storeToken(io.homeDir, token)}`)
}

function warnOfOther({ typed, terminal, io }: Invocation): void {
  const other = fromEnvironment(io.env, 'TOKEN')
  if (other !== undefined && !typed.denied('store')) terminal.warn(`${other.from} is set and goes before the stored token`)
}

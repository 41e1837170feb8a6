import { appRole, Mayfly, token } from '../../client/index.ts'
import type { Login } from '../../client/index.ts'
import type { Invocation } from '../invocation.ts'
import { connectionOf, fromEnvironment, readNamedFile } from '../settings.ts'
import { UsageError } from '../usage-error.ts'

export const loginOptions = {
  '--role-id <id>': 'log in by AppRole, so that no token is needed beforehand; also MAYFLY_ROLE_ID',
  '--secret-id-file <file>': 'its secret id, read at each login; also MAYFLY_SECRET_ID_FILE, or the id itself in MAYFLY_SECRET_ID',
  '--approle-mount <path>': 'where AppRole is mounted (approle)'
}

/** A client for as long as a program runs: with a token of its own where it can log in, else with the user's. */
export async function logIn(invocation: Invocation): Promise<Mayfly> {
  const { typed, io } = invocation
  return new Mayfly({ ...connectionOf(typed, io.env), login: byRole(invocation) ?? (await byToken(invocation)) })
}

function byRole(invocation: Invocation): Login | undefined {
  const { typed, io } = invocation
  const roleId = typed.text('roleId') ?? fromEnvironment(io.env, 'ROLE_ID')?.value
  const file = typed.text('secretIdFile') ?? fromEnvironment(io.env, 'SECRET_ID_FILE')?.value
  if (roleId === undefined) {
    if (typed.text('secretIdFile') !== undefined) throw new UsageError('secret-id-file: needs --role-id as well')
    return undefined
  }
  const secretId = file === undefined ? fromEnvironment(io.env, 'SECRET_ID')?.value : () => readNamedFile(file)
  const mount = typed.text('approleMount') ?? 'approle'
  invocation.tokenFrom = `the login at auth/${mount}`
  return appRole({ roleId, ...(secretId === undefined ? {} : { secretId }), mount })
}

/** Looked for again when it has ended: an agent may keep a fresh one where it was. */
async function byToken(invocation: Invocation): Promise<Login> {
  const first = await invocation.findToken()
  let next = Promise.resolve(first)
  return token(async () => {
    const found = await next
    next = first?.from === 'standard input' ? next : invocation.findToken()
    return found?.value ?? ''
  })
}

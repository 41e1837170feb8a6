import type { CreateUser } from 'mayfly/plugin'
import { scramVerifier } from './scram.ts'
import type { Server } from '../server/server.ts'
import { uses } from '../statements/statements.ts'

/** A user that is about to be made, and where its password goes. */
export interface Making {
  readonly call: CreateUser
  /** What stands in the statements for `{{password}}`; nothing when they have none, and the enabling statement sets it. */
  readonly inStatements: string | undefined
  readonly verifier: Promise<string>
  readonly secrets: readonly string[]
}

/** The server runs SCRAM once per PASSWORD, 2 to 3 ms: it is set in one place only. Ours runs beside the first round trip where it is needed last. */
export async function prepare(server: Server, call: CreateUser, signal: AbortSignal): Promise<Making> {
  const password = call.password.reveal()
  const secrets = [server.settings.password, password]
  if (uses(call.statements, 'password') && server.settings.plainPasswords)
    return { call, inStatements: password, verifier: Promise.resolve(''), secrets }
  const verifier = scramVerifier(password, server.random, signal)
  if (uses(call.statements, 'password')) return { call, inStatements: await verifier, verifier, secrets: [...secrets, await verifier] }
  // Awaited by whoever gets so far.
  verifier.catch(() => undefined)
  return { call, inStatements: undefined, verifier, secrets }
}

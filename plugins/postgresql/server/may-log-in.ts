import { BrokerError } from 'mayfly/plugin'
import type { Secret } from 'mayfly/plugin'
import { stateOf, wrongPassword } from './errors.ts'
import { reach } from './reach.ts'
import type { Server } from './server.ts'

/** What the server looks at once it has believed the password: the right to connect, and the database. */
const afterPassword = new Set(['42501', '3D000'])

/** Tries a password at the server, on a session of its own. What refuses a login without a look at the password (a line of pg_hba.conf, a full server) says nothing of it. */
export async function mayLogIn(
  { settings, clock, time }: Server,
  user: { readonly name: string; readonly password: Secret<string> },
  signal: AbortSignal
): Promise<boolean> {
  const password = user.password.reveal()
  try {
    const session = await reach({ settings: { ...settings, username: user.name, password }, clock, time }, signal)
    await session.close()
    return true
  } catch (error) {
    const state = error instanceof BrokerError ? stateOf(error) : undefined
    if (state === wrongPassword) return false
    if (afterPassword.has(state ?? '')) return true
    throw error
  }
}

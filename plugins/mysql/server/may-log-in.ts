import { BrokerError } from 'mayfly/plugin'
import type { Secret } from 'mayfly/plugin'
import { noPasswordThere, numberOf, wrongPassword } from './errors.ts'
import { reach } from './reach.ts'
import type { Server } from './server.ts'

/** What the server looks at once it has believed the password: that it is to be changed first. */
const afterPassword = new Set([1820, 1862])

/** Tries a password at the server, on a session of its own. What refuses a login without a look at the password (a locked account, a full server) says nothing of it. */
export async function mayLogIn(
  { settings, clock, time }: Server,
  user: { readonly name: string; readonly password: Secret<string> },
  signal: AbortSignal
): Promise<boolean> {
  const own = { ...settings, username: user.name, password: user.password.reveal() }
  try {
    const session = await reach({ settings: own, clock, time, seen: {} }, signal)
    await session.close()
    return true
  } catch (error) {
    const number = error instanceof BrokerError ? numberOf(error) : undefined
    if (number === wrongPassword || number === noPasswordThere) return false
    if (afterPassword.has(number ?? 0)) return true
    throw error
  }
}

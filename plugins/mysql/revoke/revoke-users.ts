import { BrokerError } from 'mayfly/plugin'
import type { RevokeOutcome, RevokeUsers } from 'mayfly/plugin'
import { dropUsers } from './drop-users.ts'
import { endSessions } from './end-sessions.ts'
import { isOpen, newEnding } from './ending.ts'
import { targetError } from '../server/errors.ts'
import { findOurs } from './find-ours.ts'
import { lockUsers } from './lock-users.ts'
import { proveEnd } from './prove-end.ts'
import { runStatements } from './run-statements.ts'
import type { Server } from '../server/server.ts'

// A claim of the broker is no larger. More would hold one connection for long.
const usersMax = 1_000

/** Locked before the sessions are ended, and dropped after that: dropping ends no session. Sessions are ended even where the lock failed. Every attempt begins at the first step. */
export async function revokeUsers(server: Server, call: RevokeUsers, signal: AbortSignal): Promise<readonly RevokeOutcome[]> {
  if (call.users.length > usersMax) throw new BrokerError('target_refused', `at most ${usersMax} users in one revocation`)
  if (call.users.length === 0) return []
  const endings = call.users.map(newEnding)
  const secrets = [server.settings.password]
  try {
    return await server.pool.use('revoke', signal, async session => {
      await findOurs(session, endings, call.ownWay === true, signal)
      await lockUsers(session, endings, secrets, signal)
      await endSessions(server, session, endings, signal)
      if (call.statements.length > 0) await runStatements(server, session, call.statements, endings.filter(isOpen), signal)
      await dropUsers(server, session, endings.filter(isOpen), signal)
      return await proveEnd(server, session, endings, call.acceptOpenSessions === true, signal)
    })
  } catch (error) {
    throw targetError(error, 'target_silent', secrets)
  }
}

import { BrokerError } from 'mayfly/plugin'
import type { RevokeOutcome, RevokeUsers } from 'mayfly/plugin'
import { disableUsers } from './disable-users.ts'
import { dropUsers } from './drop-users.ts'
import { endSessions } from './end-sessions.ts'
import { isOpen, newEnding } from './ending.ts'
import { targetError } from '../server/errors.ts'
import { proveEnd } from './prove-end.ts'
import { runStatements } from './run-statements.ts'
import type { Server } from '../server/server.ts'

// A claim of the broker is no larger. More would hold one connection for long.
const usersMax = 1_000

/** Disabled in a commit of its own before the sessions are ended, because a login that saw the old row would come through after the look; dropped after
 *  that, because a session of a dropped user goes on and has lost its name. Every attempt begins at the first step. */
export async function revokeUsers(server: Server, call: RevokeUsers, signal: AbortSignal): Promise<readonly RevokeOutcome[]> {
  if (call.users.length > usersMax) throw new BrokerError('target_refused', `at most ${usersMax} users in one revocation`)
  if (call.users.length === 0) return []
  const endings = call.users.map(newEnding)
  try {
    return await server.pool.use('revoke', signal, async session => {
      await disableUsers(session, endings, signal)
      await endSessions(server, session, endings, signal)
      if (call.statements.length > 0) await runStatements(server, session, call.statements, endings.filter(isOpen), signal)
      await dropUsers({ server, session, owned: call.owned ?? { policy: 'keep' }, signal }, endings.filter(isOpen))
      return await proveEnd(server, session, endings, signal)
    })
  } catch (error) {
    throw targetError(error, 'target_silent', [server.settings.password])
  }
}

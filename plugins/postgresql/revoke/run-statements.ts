import type { Ending } from './ending.ts'
import { isAnswer, refusalText } from '../server/errors.ts'
import type { DatabaseError } from 'pg'
import { serverPath, underTheirPath } from '../server/search-path.ts'
import type { Server } from '../server/server.ts'
import type { Session } from '../server/session.ts'
import { changesSession, fillIn } from '../statements/statements.ts'
import { nextTurn, stepTime } from '../../database/driver/step-time.ts'

const againSeconds = 60

/** Step 3: the operator's `revocation_statements`, each user's in a transaction of its own. A failure keeps that user, disabled and without sessions, and is
 *  tried again. Dropping it all the same would skip what the operator wanted done. */
export async function runStatements(
  server: Server,
  session: Session,
  statements: readonly string[],
  endings: readonly Ending[],
  signal: AbortSignal
) {
  const isOver = stepTime(server.clock)
  for (const ending of endings) {
    if (isOver()) {
      ending.waits = nextTurn
      continue
    }
    const written = underTheirPath(statements.map(statement => fillIn(statement, { name: ending.user.name })))
    try {
      await session.run(['begin', ...written, 'commit'].join('\n;\n'), signal)
    } catch (error) {
      if (!isAnswer(error)) throw error
      await session.run('rollback', signal)
      ending.waits = {
        why: `revocation_statements failed: ${refusalText(error as DatabaseError, [server.settings.password])}`,
        seconds: againSeconds
      }
    }
    if (!changesSession(statements)) continue
    await session.run('discard all', signal)
    await session.run(serverPath, signal)
  }
}

import type { Ending } from './ending.ts'
import { enterDatabase } from '../server/enter-database.ts'
import { isAnswer, refusalText } from '../server/errors.ts'
import { pinned } from '../server/reach.ts'
import type { Server } from '../server/server.ts'
import type { Session } from '../server/session.ts'
import { changesSession, fillIn } from '../statements/statements.ts'
import { nextTurn, stepTime } from '../../database/driver/step-time.ts'

const againSeconds = 60

/** Step 3: the operator's `revocation_statements`, user by user. A failure keeps that user, locked and without sessions, and is tried again. Dropping it all the same would skip what the
 *  operator wanted done. */
export async function runStatements(
  server: Server,
  session: Session,
  statements: readonly string[],
  endings: readonly Ending[],
  signal: AbortSignal
) {
  const isOver = stepTime(server.clock)
  await enterDatabase(server, session, signal)
  for (const ending of endings) {
    if (isOver()) {
      ending.waits = nextTurn
      continue
    }
    try {
      for (const statement of statements) await session.run(fillIn(statement, { name: ending.user.name }), signal)
    } catch (error) {
      if (!isAnswer(error)) throw error
      const why = `revocation_statements failed: ${refusalText(error, [server.settings.password])}`
      ending.waits = { why, seconds: againSeconds }
    }
  }
  if (!changesSession(statements)) return
  session.retire()
  await session.run(`unlock tables; rollback; ${pinned}`, signal)
}

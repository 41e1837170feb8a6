import { inChunks } from './chunks.ts'
import type { Ending } from './ending.ts'
import { isAnswer, isLocked, refusalText } from '../server/errors.ts'
import type { ServerError } from '../server/errors.ts'
import type { Server } from '../server/server.ts'
import type { Session } from '../server/session.ts'
import { nextTurn, stepTime } from '../../database/driver/step-time.ts'

const lockedSeconds = 15
const humanSeconds = 300

/** Step 4: one statement for many. What keeps one of them fails it for all of them here or there: then it is done one by one. */
export async function dropUsers(server: Server, session: Session, endings: readonly Ending[], signal: AbortSignal): Promise<void> {
  const isOver = stepTime(server.clock)
  for (const some of inChunks(endings, session.kind.statementUsersMax)) {
    if (!isOver() && !(await drop(session, some, signal))) continue
    for (const one of some) await dropOne(server, session, one, isOver, signal)
  }
}

async function dropOne(server: Server, session: Session, ending: Ending, isOver: () => boolean, signal: AbortSignal): Promise<void> {
  if (isOver()) return void (ending.waits = nextTurn)
  const refused = await drop(session, [ending], signal)
  if (!refused) return
  const why = `it cannot be dropped yet: ${refusalText(refused, [server.settings.password])}`
  ending.waits = { why, seconds: isLocked(refused) ? lockedSeconds : humanSeconds }
}

/** What the server said against it; nothing when they are dropped. */
async function drop(session: Session, endings: readonly Ending[], signal: AbortSignal): Promise<ServerError | undefined> {
  try {
    await session.run(`drop user if exists ${endings.flatMap(({ accounts }) => accounts).join(', ')}`, signal)
    return undefined
  } catch (error) {
    if (!isAnswer(error)) throw error
    return error
  }
}

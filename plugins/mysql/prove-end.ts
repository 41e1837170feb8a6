import { BrokerError } from 'mayfly/plugin'
import type { RevokeOutcome } from 'mayfly/plugin'
import { readAccounts } from './accounts.ts'
import type { Accounts } from './accounts.ts'
import { inChunks } from './chunks.ts'
import type { Ending } from './ending.ts'
import { sessionsOf } from './end-sessions.ts'
import { isAnswer, isEventless, refusalText } from './errors.ts'
import { dropEvent } from './event.ts'
import { serverSideMsMax } from './server.ts'
import type { Server } from './server.ts'
import type { Session } from './session.ts'

const lookAgainSeconds = 60
const eventsPerMessage = 100

/** Steps 5 and 6. Gone: no account of that name, whatever its host, and no session. Nothing less is said to be gone. Its event goes last, because it is the proof of whose the user is. */
export async function proveEnd(
  server: Server,
  session: Session,
  endings: readonly Ending[],
  signal: AbortSignal
): Promise<readonly RevokeOutcome[]> {
  const names = endings.map(({ user }) => user.name)
  const accounts = await readAccounts(session, names, signal)
  const sessions = new Set((await sessionsOf(session, names, signal)).map(({ name }) => name))
  const over = endings.filter(({ user, foreign }) => !foreign && !accounts.has(user.name) && !sessions.has(user.name))
  await dropEvents(server, session, over, signal)
  return endings.map(ending => outcomeOf(server, ending, accounts, sessions))
}

function outcomeOf(
  server: Server,
  { user, accounts, made, failed, waits, foreign }: Ending,
  left: Accounts,
  sessions: ReadonlySet<string>
): RevokeOutcome {
  if (foreign && failed) return { kind: 'failed', error: failed }
  if (sessions.has(user.name)) return { kind: 'failed', error: failed ?? refused('a session of the user is open') }
  const found = left.get(user.name)
  if (!found) return waits ? ended(server, waits.seconds, waits.why) : absent(server, made ? undefined : user.createBy)
  if (failed) return { kind: 'failed', error: failed }
  if (accounts.length === 0) return { kind: 'failed', error: refused('a user of that name has appeared meanwhile') }
  if (found.some(({ locked }) => !locked)) return { kind: 'failed', error: refused('the user may log in again') }
  return ended(server, waits?.seconds ?? lookAgainSeconds, waits?.why ?? 'it is locked and could not be dropped')
}

/** Never acknowledged: what was sent before the deadline may still be at work in the server, and there is no transaction whose end would tell. */
function absent(server: Server, createBy: Temporal.Instant | undefined): RevokeOutcome {
  const final = createBy?.add({ milliseconds: serverSideMsMax })
  if (!final || Temporal.Instant.compare(server.clock.now(), final) >= 0) return { kind: 'gone' }
  return { kind: 'ended', again: final, waiting: 'it is not there, and a statement may still be making it' }
}

/** One that is left would find nobody to end, at its time; but it would be listed as ours. */
async function dropEvents(server: Server, session: Session, over: readonly Ending[], signal: AbortSignal): Promise<void> {
  for (const some of inChunks(over, eventsPerMessage)) {
    try {
      await session.run(some.map(({ user }) => dropEvent(user.name)).join(';\n'), signal)
    } catch (error) {
      if (!isAnswer(error)) throw error
      if (isEventless(error)) return
      const why = `its event cannot be dropped yet: ${refusalText(error, [server.settings.password])}`
      for (const ending of some) ending.waits = { why, seconds: lookAgainSeconds }
    }
  }
}

const ended = (server: Server, seconds: number, waiting: string): RevokeOutcome => ({
  kind: 'ended',
  again: server.clock.now().add({ seconds }),
  waiting
})

const refused = (why: string) => new BrokerError('target_refused', why)

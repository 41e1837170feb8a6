import { BrokerError } from 'mayfly/plugin'
import type { RevokeOutcome } from 'mayfly/plugin'
import { readAccounts } from '../users/accounts.ts'
import type { Accounts } from '../users/accounts.ts'
import { inChunks } from './chunks.ts'
import type { Ending } from './ending.ts'
import { sessionsOf } from './end-sessions.ts'
import { isAnswer, isEventless, refusalText } from '../server/errors.ts'
import { dropEvent } from '../create/event.ts'
import { serverSideMsMax } from '../server/server.ts'
import { readGrants } from '../rights/grants.ts'
import type { Server } from '../server/server.ts'
import type { Session } from '../server/session.ts'

const lookAgainSeconds = 60
const eventsPerMessage = 100

/** Steps 5 and 6. Gone: no account of that name, whatever its host, and no session. Nothing less is said to be gone. Its event goes last, because it is the proof of whose the user is: not
 *  before the last moment at which a statement that is on its way can make one. */
export async function proveEnd(
  server: Server,
  session: Session,
  endings: readonly Ending[],
  acceptOpenSessions: boolean,
  signal: AbortSignal
): Promise<readonly RevokeOutcome[]> {
  const names = endings.map(({ user }) => user.name)
  const left: Left = {
    accounts: await readAccounts(session, names, signal),
    sessions: new Set((await sessionsOf(session, names, signal)).map(({ name }) => name)),
    blind: !acceptOpenSessions && !(await readGrants(session, signal)).has('PROCESS')
  }
  const over = endings.filter(ending => isAbsent(ending, left) && mayComeUntil(server, ending) === undefined)
  await dropEvents(server, session, over, signal)
  return endings.map(ending => outcomeOf(server, ending, left))
}

/** What there is after all steps. */
interface Left {
  readonly accounts: Accounts
  readonly sessions: ReadonlySet<string>
  /** Sessions of others are not shown to the account: none seen is no proof. */
  readonly blind: boolean
}

const isAbsent = ({ user, foreign }: Ending, { accounts, sessions, blind }: Left): boolean =>
  !foreign && !blind && !accounts.has(user.name) && !sessions.has(user.name)

function outcomeOf(server: Server, ending: Ending, left: Left): RevokeOutcome {
  const { user, accounts, failed, waits, foreign } = ending
  if (foreign && failed) return { kind: 'failed', error: failed }
  if (left.sessions.has(user.name)) return { kind: 'failed', error: failed ?? refused('a session of the user is open') }
  if (left.blind) return { kind: 'failed', error: refused('a session may be open: without PROCESS the account sees none') }
  const found = left.accounts.get(user.name)
  if (!found) return waits ? ended(server, waits.seconds, waits.why) : absent(server, ending)
  if (failed) return { kind: 'failed', error: failed }
  if (accounts.length === 0) return { kind: 'failed', error: refused('a user of that name has appeared meanwhile') }
  if (found.some(({ locked }) => !locked)) return { kind: 'failed', error: refused('the user may log in again') }
  return ended(server, waits?.seconds ?? lookAgainSeconds, waits?.why ?? 'it is locked and could not be dropped')
}

function absent(server: Server, ending: Ending): RevokeOutcome {
  const again = mayComeUntil(server, ending)
  return again ? { kind: 'ended', again, waiting: 'it is not there, and a statement may still be making it' } : { kind: 'gone' }
}

/** Never acknowledged: what was sent before the deadline may still be at work in the server, and there is no transaction whose end would tell. Nothing when that is over. */
function mayComeUntil(server: Server, { user, made }: Ending): Temporal.Instant | undefined {
  const final = made ? undefined : user.createBy?.add({ milliseconds: serverSideMsMax })
  return final && Temporal.Instant.compare(server.clock.now(), final) < 0 ? final : undefined
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

import { BrokerError } from 'mayfly/plugin'
import { text } from '../users/accounts.ts'
import type { Ending } from './ending.ts'
import { errorNumber } from '../server/errors.ts'
import { quoteLiterals } from '../server/quote.ts'
import type { Server } from '../server/server.ts'
import type { Session } from '../server/session.ts'

const passesCleanMin = 2
// A login that was past the check before the lock shows up within this.
const passMs = 200
const waitMsMax = 10_000
const noSuchThread = 1094

/** Step 2: ends the sessions, again and again, until two passes find none. By name, which is never used twice: the session of a user that was dropped goes on and keeps it. */
export async function endSessions(server: Server, session: Session, endings: readonly Ending[], signal: AbortSignal): Promise<void> {
  const named = new Map(endings.filter(({ foreign }) => !foreign).map(ending => [ending.user.name, ending]))
  const startedAt = server.clock.elapsed()
  for (let clean = 0; named.size > 0;) {
    const alive = (await sessionsOf(session, [...named.keys()], signal)).filter(({ name }) => named.has(name))
    clean = alive.length === 0 ? clean + 1 : 0
    if (clean === passesCleanMin) return
    if (server.clock.elapsed() - startedAt > waitMsMax) return fail(named, alive, 'a session does not end')
    for (const { id, name } of alive) {
      if (await kill(session, id, signal)) continue
      // Nobody else's would end either.
      fail(named, alive, 'a session stays open: the admin account lacks CONNECTION_ADMIN (MariaDB: CONNECTION ADMIN)')
      named.delete(name)
    }
    await server.clock.sleep(passMs, signal)
  }
}

interface Running {
  readonly id: number
  readonly name: string
}

/** One that was killed and rolls back is among them until it is gone. */
export async function sessionsOf(session: Session, names: readonly string[], signal: AbortSignal): Promise<readonly Running[]> {
  const [rows = []] = await session.run(
    `select id, user from information_schema.processlist where user in (${quoteLiterals(names)})`,
    signal
  )
  return rows.map(row => ({ id: Number(row['id'] ?? row['ID']), name: text(row['user'] ?? row['USER']) }))
}

/** False without the right. */
async function kill(session: Session, id: number, signal: AbortSignal): Promise<boolean> {
  try {
    await session.run(`kill ${Math.trunc(id)}`, signal)
  } catch (error) {
    if (errorNumber(error) === 1095 || errorNumber(error) === 1227) return false
    if (errorNumber(error) !== noSuchThread) throw error
  }
  return true
}

function fail(named: ReadonlyMap<string, Ending>, alive: readonly Running[], why: string): void {
  for (const { name } of alive) {
    const ending = named.get(name)
    if (ending) ending.failed ??= new BrokerError('target_refused', why)
  }
}

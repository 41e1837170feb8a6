import { BrokerError } from 'mayfly/plugin'
import type { Ending } from './ending.ts'
import { sqlState } from '../server/errors.ts'
import { quoteOids } from '../server/quote.ts'
import type { Server } from '../server/server.ts'
import type { Session } from '../server/session.ts'

const passesCleanMin = 2
// A login that was past the check before the commit shows up within this.
const passMs = 200
const waitMsMax = 10_000

/** Step 2: ends the sessions, again and again, until two passes find none. By OID: the session of a user that is gone has no name. */
export async function endSessions(server: Server, session: Session, endings: readonly Ending[], signal: AbortSignal): Promise<void> {
  const withOid = endings.filter(ending => ending.oid !== undefined && !ending.failed)
  const startedAt = server.clock.elapsed()
  let clean = 0
  for (let open = withOid; open.length > 0; open = open.filter(ending => !ending.failed)) {
    const alive = await onePass(session, open, signal)
    clean = alive.size === 0 ? clean + 1 : 0
    if (clean === passesCleanMin) return
    if (server.clock.elapsed() - startedAt > waitMsMax) fail(open, alive, 'a session does not end')
    await server.clock.sleep(passMs, signal)
  }
}

async function onePass(session: Session, endings: readonly Ending[], signal: AbortSignal): Promise<ReadonlySet<number>> {
  const theirs = `from pg_catalog.pg_stat_activity where usesysid = any(${quoteOids(endings.map(ending => ending.oid!))})`
  try {
    return await oids(session, `select usesysid as oid, pg_catalog.pg_terminate_backend(pid) ${theirs}`, signal)
  } catch (error) {
    if (sqlState(error) !== '42501') throw error
    const alive = await oids(session, `select distinct usesysid as oid ${theirs}`, signal)
    fail(endings, alive, 'a session stays open: the admin account lacks pg_signal_backend')
    return new Set()
  }
}

async function oids(session: Session, sql: string, signal: AbortSignal): Promise<ReadonlySet<number>> {
  const [result] = await session.run(sql, signal)
  return new Set(result?.rows.map(row => Number(row['oid'])))
}

function fail(endings: readonly Ending[], alive: ReadonlySet<number>, why: string): void {
  for (const ending of endings) if (alive.has(ending.oid!)) ending.failed = new BrokerError('target_refused', why)
}

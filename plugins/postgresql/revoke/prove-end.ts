import { BrokerError } from 'mayfly/plugin'
import type { RevokeOutcome } from 'mayfly/plugin'
import { oidsOf } from './ending.ts'
import type { Ending } from './ending.ts'
import { quoteOids, quoteTexts } from '../server/quote.ts'
import type { Server } from '../server/server.ts'
import { idleInTransactionMs, statementTimeoutMs } from '../server/session.ts'
import type { Session } from '../server/session.ts'

const lookAgainSeconds = 60

/** Step 6. Gone: no user with that OID, none with that name, no session of it. Nothing less is said to be gone. */
export async function proveEnd(
  server: Server,
  session: Session,
  endings: readonly Ending[],
  signal: AbortSignal
): Promise<readonly RevokeOutcome[]> {
  const oids = quoteOids(oidsOf(endings))
  const names = quoteTexts(endings.map(({ user }) => user.name))
  const [users, sessions] = await session.run(
    `select oid, rolname as name, rolcanlogin as enabled from pg_catalog.pg_roles where oid = any(${oids}) or rolname = any(${names}::pg_catalog.name[]);
     select distinct usesysid as oid from pg_catalog.pg_stat_activity where usesysid = any(${oids})`,
    signal
  )
  const left = {
    enabled: new Map(users?.rows.map(row => [Number(row['oid']), row['enabled'] !== false])),
    names: new Set(users?.rows.map(row => String(row['name']))),
    sessions: new Set(sessions?.rows.map(row => Number(row['oid'])))
  }
  return endings.map(ending => outcomeOf(server, ending, left))
}

interface Left {
  readonly enabled: ReadonlyMap<number, boolean>
  readonly names: ReadonlySet<string>
  readonly sessions: ReadonlySet<number>
}

function outcomeOf(server: Server, { user, oid, failed, waits }: Ending, left: Left): RevokeOutcome {
  if (failed) return { kind: 'failed', error: failed }
  if (oid !== undefined && left.sessions.has(oid)) return refused('a session of the user is open again')
  if (oid !== undefined && left.enabled.has(oid)) {
    if (left.enabled.get(oid)) return refused('the user may log in again')
    return ended(server, waits?.seconds ?? lookAgainSeconds, waits?.why ?? 'it is disabled and could not be dropped')
  }
  if (left.names.has(user.name)) return refused('a user of that name has appeared meanwhile')
  return oid === undefined ? absent(server, user.createBy) : { kind: 'gone' }
}

/** Never seen: an open transaction may still commit it, as long as the server lets one live. */
function absent(server: Server, createBy: Temporal.Instant | undefined): RevokeOutcome {
  const final = createBy?.add({ milliseconds: statementTimeoutMs + idleInTransactionMs })
  if (!final || Temporal.Instant.compare(server.clock.now(), final) >= 0) return { kind: 'gone' }
  return { kind: 'ended', again: final, waiting: 'it was never seen, and a transaction may still be making it' }
}

const ended = (server: Server, seconds: number, waiting: string): RevokeOutcome => ({
  kind: 'ended',
  again: server.clock.now().add({ seconds }),
  waiting
})

const refused = (why: string): RevokeOutcome => ({ kind: 'failed', error: new BrokerError('target_refused', why) })

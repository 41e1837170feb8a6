import type { Ending } from './ending.ts'
import { isAnswer, isLocked, refusalText, sqlState } from './errors.ts'
import type { DatabaseError } from 'pg'
import { quoteIdentifier, quoteOids } from './quote.ts'
import { clearRights } from './clear-rights.ts'
import type { Server } from './server.ts'
import type { Session } from './session.ts'
import { nextTurn, stepTime } from './step-time.ts'

const lockedSeconds = 15
const humanSeconds = 300
// Shorter than the session's: a batch may meet it once for each user that somebody else holds.
const lockTimeout = "'1s'"
// For each user that an account drops, a server since 16 looks through all users of that account: 8 ms with 4,000 of them, whichever way they are dropped.
// So many stay far below the time limit of a statement, which would undo them all.
const statementUsersMax = 50
const dependsOnIt = '2BP01'

/** Step 5: one statement for many. What one user owns, or holds rights on, stops it for all of them: those are seen to one by one, the rest go on. */
export async function dropUsers(server: Server, session: Session, endings: readonly Ending[], signal: AbortSignal): Promise<void> {
  const dropping = { server, session, isOver: stepTime(server.clock), signal }
  const there = await stillThere(session, endings, signal)
  for (let from = 0; from < there.length; from += statementUsersMax) await dropSome(dropping, there.slice(from, from + statementUsersMax))
}

interface Dropping {
  readonly server: Server
  readonly session: Session
  readonly isOver: () => boolean
  readonly signal: AbortSignal
}

async function dropSome(dropping: Dropping, endings: readonly Ending[]): Promise<void> {
  const { server, session, signal } = dropping
  if (dropping.isOver()) return postpone(endings)
  const refused = await drop(session, endings, signal)
  if (!refused) return
  if (endings.length === 1 && sqlState(refused) !== dependsOnIt) return wait(server, endings[0]!, refused)
  const named = await withDependencies(session, endings, signal)
  const others = endings.filter(ending => !named.has(ending.oid!))
  await dropOthers(dropping, others)
  for (const ending of endings.filter(one => named.has(one.oid!))) {
    if (dropping.isOver()) postpone([ending])
    else await clearRights(server, session, ending, signal)
    if (!ending.waits) await dropOne(dropping, ending)
  }
}

function postpone(endings: readonly Ending[]): void {
  for (const ending of endings) ending.waits = nextTurn
}

async function dropOthers(dropping: Dropping, endings: readonly Ending[]): Promise<void> {
  if (endings.length === 0 || !(await drop(dropping.session, endings, dropping.signal))) return
  for (const ending of endings) await dropOne(dropping, ending)
}

async function dropOne({ server, session, isOver, signal }: Dropping, ending: Ending): Promise<void> {
  if (isOver()) return postpone([ending])
  const refused = await drop(session, [ending], signal)
  if (refused && sqlState(refused) !== '42704') wait(server, ending, refused)
}

/** What the server said against it; nothing when they are dropped. */
async function drop(session: Session, endings: readonly Ending[], signal: AbortSignal): Promise<DatabaseError | undefined> {
  const names = endings.map(ending => quoteIdentifier(ending.user.name)).join(', ')
  try {
    await session.run(`set local lock_timeout = ${lockTimeout}; drop role ${names}`, signal)
    return undefined
  } catch (error) {
    if (!isAnswer(error)) throw error
    return error as DatabaseError
  }
}

function wait(server: Server, ending: Ending, refused: DatabaseError): void {
  const why = refusalText(refused, [server.settings.password])
  ending.waits = { why: `it cannot be dropped yet: ${why}`, seconds: isLocked(refused) ? lockedSeconds : humanSeconds }
}

/** The operator's statements may have dropped them; and a name is dropped only while it is theirs. */
async function stillThere(session: Session, endings: readonly Ending[], signal: AbortSignal): Promise<Ending[]> {
  if (endings.length === 0) return []
  const oids = quoteOids(endings.map(ending => ending.oid!))
  const [result] = await session.run(`select oid, rolname as name from pg_catalog.pg_roles where oid = any(${oids})`, signal)
  const names = new Map(result?.rows.map(row => [Number(row['oid']), row['name']]))
  return endings.filter(ending => names.get(ending.oid!) === ending.user.name)
}

/** Readable without being a superuser, for all databases. */
async function withDependencies(session: Session, endings: readonly Ending[], signal: AbortSignal): Promise<ReadonlySet<number>> {
  const oids = quoteOids(endings.map(ending => ending.oid!))
  const [result] = await session.run(
    `select distinct refobjid as oid from pg_catalog.pg_shdepend where refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass and refobjid = any(${oids})`,
    signal
  )
  return new Set(result?.rows.map(row => Number(row['oid'])))
}

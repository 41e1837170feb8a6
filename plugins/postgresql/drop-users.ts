import type { Ending } from './ending.ts'
import { isAnswer, isLocked, refusalText, sqlState } from './errors.ts'
import type { DatabaseError } from 'pg'
import { quoteIdentifier, quoteOids } from './quote.ts'
import { clearRights } from './clear-rights.ts'
import type { Server } from './server.ts'
import type { Session } from './session.ts'

const lockedSeconds = 15
const humanSeconds = 300

/** Step 5: one statement for all. What one user owns, or holds rights on, stops it for everybody: those are seen to one by one, the rest go on. */
export async function dropUsers(server: Server, session: Session, endings: readonly Ending[], signal: AbortSignal): Promise<void> {
  const there = await stillThere(session, endings, signal)
  if (there.length === 0 || (await dropAll(session, there, signal))) return
  const named = await withDependencies(session, there, signal)
  const free = there.filter(ending => !named.has(ending.oid!))
  if (free.length > 0 && free.length < there.length && (await dropAll(session, free, signal))) free.length = 0
  for (const ending of free) await dropOne(server, session, ending, signal)
  for (const ending of there.filter(one => named.has(one.oid!))) {
    await clearRights(server, session, ending, signal)
    if (!ending.waits) await dropOne(server, session, ending, signal)
  }
}

/** The operator's statements may have dropped them; and a name is dropped only while it is theirs. */
async function stillThere(session: Session, endings: readonly Ending[], signal: AbortSignal): Promise<Ending[]> {
  if (endings.length === 0) return []
  const oids = quoteOids(endings.map(ending => ending.oid!))
  const [result] = await session.run(`select oid, rolname as name from pg_catalog.pg_roles where oid = any(${oids})`, signal)
  const names = new Map(result?.rows.map(row => [Number(row['oid']), row['name']]))
  return endings.filter(ending => names.get(ending.oid!) === ending.user.name)
}

async function dropAll(session: Session, endings: readonly Ending[], signal: AbortSignal): Promise<boolean> {
  try {
    await session.run(`drop role ${endings.map(ending => quoteIdentifier(ending.user.name)).join(', ')}`, signal)
    return true
  } catch (error) {
    if (isAnswer(error)) return false
    throw error
  }
}

async function dropOne(server: Server, session: Session, ending: Ending, signal: AbortSignal): Promise<void> {
  try {
    await session.run(`drop role ${quoteIdentifier(ending.user.name)}`, signal)
  } catch (error) {
    if (!isAnswer(error)) throw error
    if (sqlState(error) === '42704') return
    const why = refusalText(error as DatabaseError, [server.settings.password])
    ending.waits = { why: `it cannot be dropped yet: ${why}`, seconds: isLocked(error) ? lockedSeconds : humanSeconds }
  }
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

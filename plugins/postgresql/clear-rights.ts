import type { Ending } from './ending.ts'
import { isAnswer, isLocked, refusalText } from './errors.ts'
import type { DatabaseError } from 'pg'
import { quoteIdentifier } from './quote.ts'
import type { Server } from './server.ts'
import type { Session } from './session.ts'

const lockedSeconds = 15
const humanSeconds = 300

/** Step 4: takes back what was granted to the user itself, here and on what all databases share. Never from a user that owns something: `DROP OWNED` would
 *  drop its tables. Rights in other databases, and what it owns, keep the user, disabled and without sessions. */
export async function clearRights(server: Server, session: Session, ending: Ending, signal: AbortSignal): Promise<void> {
  const kept = await whatKeeps(session, ending, signal)
  if (kept !== undefined) {
    ending.waits = { why: kept, seconds: humanSeconds }
    return
  }
  try {
    await session.run(clearing(session.version, ending), signal)
  } catch (error) {
    if (!isAnswer(error)) throw error
    await session.run('rollback', signal)
    const why = refusalText(error as DatabaseError, [server.settings.password])
    ending.waits = { why: `its rights cannot be taken back yet: ${why}`, seconds: isLocked(error) ? lockedSeconds : humanSeconds }
  }
}

async function whatKeeps(session: Session, ending: Ending, signal: AbortSignal): Promise<string | undefined> {
  const [result] = await session.run(
    `select coalesce(d.datname, 'all') as database, s.deptype in ('a', 'i') as rights, s.dbid = 0 or d.datname = pg_catalog.current_database() as here
       from pg_catalog.pg_shdepend s left join pg_catalog.pg_database d on d.oid = s.dbid
      where s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass and s.refobjid = ${ending.oid!} group by 1, 2, 3`,
    signal
  )
  const rows = result?.rows ?? []
  const owned = rows.filter(row => row['rights'] !== true).map(row => String(row['database']))
  if (owned.length > 0) return `it owns objects in ${databases(owned)}: reassign or drop them`
  const elsewhere = rows.filter(row => row['here'] !== true).map(row => String(row['database']))
  return elsewhere.length > 0 ? `it holds rights in ${databases(elsewhere)}: revoke them there` : undefined
}

const databases = (names: readonly string[]): string => `the database ${[...new Set(names)].map(name => `"${name}"`).join(', ')}`

/** Membership in the user comes first: without it 42501. It goes with the user. Looked at once more inside: nothing may be owned. */
function clearing(version: number, { user, oid }: Ending): string {
  const name = quoteIdentifier(user.name)
  return [
    'begin',
    "set local lock_timeout = '1s'",
    `grant ${name} to current_user${version >= 16 ? ' with inherit true, set false' : ''}`,
    `do $mf$ begin
      if exists (select from pg_catalog.pg_shdepend where refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass and refobjid = ${oid!} and deptype not in ('a', 'i'))
      then raise exception 'it owns objects by now' using errcode = '55006'; end if; end $mf$`,
    `drop owned by ${name}`,
    'commit'
  ].join(';\n')
}

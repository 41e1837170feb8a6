import { clearDependencies } from './clear-dependencies.ts'
import type { Clearing } from './clear-dependencies.ts'
import { readDependencies } from './dependencies.ts'
import type { Ending } from './ending.ts'
import { isAnswer, isLocked, refusalText, sqlState } from '../server/errors.ts'
import type { DatabaseError } from 'pg'
import { quoteIdentifier, quoteOids } from '../server/quote.ts'
import { nextTurn, stepTime } from '../../database/driver/step-time.ts'
import { whatKeeps } from './what-keeps.ts'

const lockedSeconds = 15
const humanSeconds = 300
// Shorter than the session's: a batch may meet it once for each user that somebody else holds.
const lockTimeout = "'1s'"
// For each user that an account drops, a server since 16 looks through all users of that account: 8 ms with 4,000 of them, whichever way they are dropped.
// So many stay far below the time limit of a statement, which would undo them all.
const statementUsersMax = 50
const dependsOnIt = '2BP01'

/** Step 5: one statement for many. What one user owns, or holds rights on, stops it for all of them: those are seen to together at the end, the rest go on. */
export async function dropUsers(asked: Omit<Clearing, 'isOver'>, endings: readonly Ending[]): Promise<void> {
  const dropping = { ...asked, isOver: stepTime(asked.server.clock) }
  const there = await stillThere(dropping, endings)
  const named: Ending[] = []
  for (let from = 0; from < there.length; from += statementUsersMax)
    named.push(...(await dropSome(dropping, there.slice(from, from + statementUsersMax))))
  if (named.length === 0) return
  await clearDependencies(dropping, named)
  for (const ending of named) if (!ending.waits) await dropOne(dropping, ending)
}

/** Those that something still names are left. */
async function dropSome(dropping: Clearing, endings: readonly Ending[]): Promise<readonly Ending[]> {
  if (dropping.isOver()) return postpone(endings)
  const refused = await drop(dropping, endings)
  if (!refused) return []
  if (endings.length === 1 && sqlState(refused) !== dependsOnIt) {
    wait(dropping, endings[0]!, refused)
    return []
  }
  const found = await readDependencies(dropping.session, endings, dropping.signal)
  const named = new Set(found.map(({ ending }) => ending))
  await dropOthers(
    dropping,
    endings.filter(ending => !named.has(ending))
  )
  return [...named]
}

function postpone(endings: readonly Ending[]): readonly Ending[] {
  for (const ending of endings) ending.waits = nextTurn
  return []
}

async function dropOthers(dropping: Clearing, endings: readonly Ending[]): Promise<void> {
  if (endings.length === 0 || !(await drop(dropping, endings))) return
  for (const ending of endings) await dropOne(dropping, ending)
}

async function dropOne(dropping: Clearing, ending: Ending): Promise<void> {
  if (dropping.isOver()) return void postpone([ending])
  const refused = await drop(dropping, [ending])
  if (!refused || sqlState(refused) === '42704') return
  const left =
    sqlState(refused) === dependsOnIt ? whatKeeps(await readDependencies(dropping.session, [ending], dropping.signal)) : undefined
  if (left === undefined) wait(dropping, ending, refused)
  else ending.waits = { why: left, seconds: humanSeconds }
}

/** What the server said against it; nothing when they are dropped. */
async function drop({ session, signal }: Clearing, endings: readonly Ending[]): Promise<DatabaseError | undefined> {
  const names = endings.map(ending => quoteIdentifier(ending.user.name)).join(', ')
  try {
    await session.run(`set local lock_timeout = ${lockTimeout}; drop role ${names}`, signal)
    return undefined
  } catch (error) {
    if (!isAnswer(error)) throw error
    return error as DatabaseError
  }
}

function wait({ server }: Clearing, ending: Ending, refused: DatabaseError): void {
  const why = refusalText(refused, [server.settings.password])
  ending.waits = { why: `it cannot be dropped yet: ${why}`, seconds: isLocked(refused) ? lockedSeconds : humanSeconds }
}

/** The operator's statements may have dropped them; and a name is dropped only while it is theirs. */
async function stillThere({ session, signal }: Clearing, endings: readonly Ending[]): Promise<Ending[]> {
  if (endings.length === 0) return []
  const oids = quoteOids(endings.map(ending => ending.oid!))
  const [result] = await session.run(`select oid, rolname as name from pg_catalog.pg_roles where oid = any(${oids})`, signal)
  const names = new Map(result?.rows.map(row => [Number(row['oid']), row['name']]))
  return endings.filter(ending => names.get(ending.oid!) === ending.user.name)
}

import { unhandled } from 'mayfly/plugin'
import type { OwnedObjects, Random } from 'mayfly/plugin'
import type { DatabaseError } from 'pg'
import { clearing } from './clear-rights.ts'
import { readDependencies } from './dependencies.ts'
import type { Dependency } from './dependencies.ts'
import { databasesIn, whatKeeps } from './what-keeps.ts'
import type { Ending } from './ending.ts'
import { isAnswer, isLocked, refusalText, sqlState, targetError } from '../server/errors.ts'
import { reach } from '../server/reach.ts'
import type { Server } from '../server/server.ts'
import type { Session } from '../server/session.ts'
import { nextTurn } from '../../database/driver/step-time.ts'

const lockedSeconds = 15
const unreachableSeconds = 60
const humanSeconds = 300
// `tuple concurrently updated`: rights on one object were changed by two at once.
const updatedMeanwhile = 'XX000'
// One connection after the other, each some milliseconds. The rest has its turn with the next look, which finds those of before done.
const databasesMax = 8
// The broker gives one revocation 40 s.
const connectSecondsMax = 5

export interface Clearing {
  readonly server: Server
  readonly session: Session
  readonly owned: OwnedObjects
  readonly isOver: () => boolean
  readonly signal: AbortSignal
}

/** Step 4, for users that something still names: in each database of the server that it stands in, one connection for all of them. `keep` never touches what a user
 *  owns: it stays, disabled and without sessions, and so does what it owns. Repeating it is safe: each user and database is a transaction of its own. */
export async function clearDependencies(clearing: Clearing, endings: readonly Ending[]): Promise<void> {
  const found = await readDependencies(clearing.session, endings, clearing.signal)
  if (clearing.owned.policy === 'keep') keepOwners(found)
  // What is shared by all is dealt with from any database: from the one that we are connected to.
  const here = clearing.server.settings.database
  const open = found.filter(({ ending }) => !ending.waits)
  const byDatabase = Map.groupBy(open, ({ database }) => database ?? here)
  for (const [at, [database, dependencies]] of inTurn([...byDatabase], clearing.server.random).entries()) {
    if (at >= databasesMax || clearing.isOver()) postpone(dependencies)
    else await clearDatabase(clearing, database, dependencies)
  }
}

/** Where there are more than a turn takes, each turn begins somewhere else: those that cannot be reached must not keep the others waiting for ever. */
function inTurn<T>(all: readonly T[], random: Random): readonly T[] {
  const first = all.length > databasesMax ? random.below(all.length) : 0
  return [...all.slice(first), ...all.slice(0, first)]
}

function keepOwners(found: readonly Dependency[]): void {
  for (const [ending, its] of Map.groupBy(found, ({ ending }) => ending)) {
    const why = whatKeeps(its.filter(({ owns }) => owns))
    if (why !== undefined) ending.waits = { why, seconds: humanSeconds }
  }
}

function postpone(dependencies: readonly Dependency[]): void {
  for (const { ending } of dependencies) ending.waits ??= nextTurn
}

async function clearDatabase(clearing: Clearing, database: string, dependencies: readonly Dependency[]): Promise<void> {
  const { server, session, signal } = clearing
  if (database === server.settings.database) return clearAll(clearing, session, database, dependencies)
  try {
    await elsewhere(server, database, signal, there => clearAll(clearing, there, database, dependencies))
  } catch (error) {
    signal.throwIfAborted()
    // The server is there: our own session works. What cannot be reached keeps those who stand in it, and nobody else.
    const { code, message } = targetError(error, 'target_unreachable', [server.settings.password])
    const seconds = code === 'target_unreachable' ? unreachableSeconds : humanSeconds
    for (const dependency of dependencies) wait(clearing.owned, database, dependency, message, seconds)
  }
}

/** Beside the pool: its connections are to one database. */
async function elsewhere(server: Server, database: string, signal: AbortSignal, work: (session: Session) => Promise<void>): Promise<void> {
  const connectSeconds = Math.min(server.settings.connectSeconds, connectSecondsMax)
  const session = await reach({ ...server, settings: { ...server.settings, database, connectSeconds } }, signal)
  try {
    await work(session)
  } finally {
    await session.close()
  }
}

async function clearAll(clearing: Clearing, session: Session, database: string, dependencies: readonly Dependency[]): Promise<void> {
  const ofEach = Map.groupBy(dependencies, ({ ending }) => ending)
  for (const its of ofEach.values()) {
    if (clearing.isOver()) postpone(its)
    else await clearOne(clearing, session, database, its.find(({ owns }) => owns) ?? its[0]!)
  }
}

async function clearOne({ server, owned, signal }: Clearing, session: Session, database: string, dependency: Dependency): Promise<void> {
  try {
    await session.run(clearing(session.version, dependency.ending, owned), signal)
  } catch (error) {
    if (!isAnswer(error)) throw error
    await session.run('rollback', signal)
    const why = refusalText(error as DatabaseError, [server.settings.password])
    const soon = isLocked(error) || sqlState(error) === updatedMeanwhile
    wait(owned, database, dependency, why, soon ? lockedSeconds : humanSeconds)
  }
}

function wait(owned: OwnedObjects, database: string, { ending, owns }: Dependency, why: string, seconds: number): void {
  const what = owns
    ? `what it owns in ${databasesIn([database])} is not ${done(owned)} yet`
    : `its rights in ${databasesIn([database])} are not taken back yet`
  ending.waits ??= { why: `${what}: ${why}`, seconds }
}

function done({ policy }: OwnedObjects): string {
  switch (policy) {
    case 'keep':
      return 'free'
    case 'drop':
      return 'dropped'
    case 'reassign':
      return 'reassigned'
    default:
      return unhandled(policy)
  }
}

import type { DatabaseCheck } from 'mayfly/plugin'
import { errorNumber, isAnswer, targetError } from '../server/errors.ts'
import { lookForRight } from '../create/event.ts'
import { readGrants } from './grants.ts'
import type { Server } from '../server/server.ts'
import type { Session } from '../server/session.ts'
import { text } from '../users/accounts.ts'
import { tlsLosses } from '../server/tls-mode.ts'

/** Connects, and says before the first credential what the account lacks and what that costs. Asked for by who wants to issue: it takes no place of a revocation. */
export async function check(server: Server, signal: AbortSignal): Promise<DatabaseCheck> {
  try {
    return await server.pool.use('issue', signal, async session => {
      const seen = await look(session, signal)
      server.seen.eventless = !seen.events
      server.seen.scheduled = seen.scheduler
      return describe(server, session, seen)
    })
  } catch (error) {
    throw targetError(error, 'target_unreachable', [server.settings.password])
  }
}

interface Seen {
  readonly version: string
  readonly grants: ReadonlySet<string>
  readonly scheduler: boolean
  readonly events: boolean
  readonly accounts: boolean
  readonly marks: boolean
}

async function look(session: Session, signal: AbortSignal): Promise<Seen> {
  const [row] = (await session.run('select version() as version, @@global.event_scheduler as scheduler', signal))[0] ?? []
  const { accounts, events } = session.kind
  return {
    version: text(row?.['version']),
    scheduler: text(row?.['scheduler']) === 'ON',
    grants: await readGrants(session, signal),
    events: await works(session, lookForRight, signal),
    accounts: await works(session, `${accounts} limit 1`, signal),
    marks: await works(session, `${events} limit 1`, signal)
  }
}

async function works(session: Session, sql: string, signal: AbortSignal): Promise<boolean> {
  try {
    await session.run(sql, signal)
    return true
  } catch (error) {
    if (isAnswer(error) && [1044, 1049, 1142, 1143, 1227].includes(errorNumber(error) ?? 0)) return false
    throw error
  }
}

function describe(server: Server, session: Session, seen: Seen): DatabaseCheck {
  const dies = seen.events && seen.scheduler
  return {
    version: seen.version,
    // The broker's own way to the server last: what a credential is worth is another matter, its password never goes that way.
    missing: [...lacks(session, seen), ...tlsLosses(server.settings.tls)],
    guarantees: {
      revocable: 'at once',
      endsSessions: seen.grants.has('PROCESS') && seen.grants.has('CONNECTION_ADMIN'),
      diesByItself: dies,
      listable: session.kind.marksUsers || seen.events,
      observable: 'no'
    }
  }
}

function lacks({ kind }: Session, { grants, scheduler, events, accounts, marks }: Seen): readonly string[] {
  const has = (right: string): boolean => grants.has(right)
  const killRight = kind.name === 'MySQL' ? 'CONNECTION_ADMIN' : 'CONNECTION ADMIN'
  const needsEvents = kind.marksUsers ? 'no user dies by itself' : 'no credential can be made, as a user is marked as ours by its event'
  return [
    ...(has('CREATE USER') ? [] : ['CREATE USER: no credential can be made']),
    ...(accounts && marks
      ? []
      : [`SELECT on ${kind.name === 'MySQL' ? 'mysql.user' : 'mysql.*'}: no credential can be made or proven gone`]),
    ...(has('PROCESS') ? [] : ['PROCESS: sessions stay open after a revocation, as nobody sees them']),
    ...(has('CONNECTION_ADMIN') ? [] : [`${killRight}: sessions stay open after a revocation`]),
    ...(events ? [] : [`EVENT on the schema mayfly: ${needsEvents} (create schema mayfly; grant event on mayfly.* to …)`]),
    ...(scheduler ? [] : ['event_scheduler is off: no user dies by itself (set global event_scheduler = on, and in the configuration)'])
  ]
}

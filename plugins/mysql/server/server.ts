import type { Clock, Log, Random } from 'mayfly/plugin'
import type { Pool } from '../../database/driver/pool.ts'
import type { ServerClock } from '../../database/driver/server-clock.ts'
import type { ServerKind } from './server-kind.ts'
import type { Session } from './session.ts'
import type { Settings } from './settings.ts'

/** What every operation is handed: one server, and how to reach it. */
export interface Server {
  readonly settings: Settings
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly pool: Pool<Session>
  readonly time: ServerClock
  readonly expected: { password?: string }
  readonly seen: Seen
}

/** What a session has shown of the server. */
export interface Seen {
  kind?: ServerKind
  /** That a check has found that the account may make no events there, or has no schema for them. */
  eventless?: boolean
  /** That a check has found the server's scheduler running, and said so to whoever asks for a user. */
  scheduled?: boolean
}

/** Server-side expiry comes after the lease's, so that the lease is never the one that was too long. */
export const expiryMargin = Temporal.Duration.from({ seconds: 5 })

/** The longest that a statement of ours may still work in the server when we have stopped waiting: its locks, and what it does once it has them. */
export const serverSideMsMax = 20_000
export const lockSeconds = 3
export const statementSeconds = 10

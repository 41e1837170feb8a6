import type { Clock, Log, Random } from 'mayfly/plugin'
import type { Pool } from '../../database/driver/pool.ts'
import type { ServerClock } from '../../database/driver/server-clock.ts'
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
}

/** Server-side expiry comes after the lease's, so that the lease is never the one that was too long. */
export const expiryMargin = Temporal.Duration.from({ seconds: 5 })

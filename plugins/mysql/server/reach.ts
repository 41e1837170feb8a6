import { createConnection } from 'node:net'
import type { Socket } from 'node:net'
import { BrokerError } from 'mayfly/plugin'
import type { Place } from '../../database/driver/place.ts'
import { reachPrimary } from '../../database/driver/reach-primary.ts'
import type { Reached } from '../../database/driver/reach-primary.ts'
import type { ServerClock } from '../../database/driver/server-clock.ts'
import { connectError, numberOf, wrongPassword } from './errors.ts'
import { nowMs } from './server-clock.ts'
import { kindOf } from './server-kind.ts'
import { lockSeconds, statementSeconds } from './server.ts'
import type { Seen } from './server.ts'
import { Session } from './session.ts'
import type { Settings } from './settings.ts'

export interface Reachable extends Reached<Settings> {
  readonly time: ServerClock
  readonly seen: Seen
}

/** How a session of ours reads, quotes and waits. The time limit is a comment to a server that has none. */
export const pinned = `set time_zone = '+00:00', sql_mode = concat('STRICT_ALL_TABLES' /*M! , ',NO_AUTO_CREATE_USER' */), lock_wait_timeout = ${lockSeconds}, innodb_lock_wait_timeout = ${lockSeconds},
  autocommit = 1 /*M! , max_statement_time = ${statementSeconds} */`

const greeting = `${pinned}; select version() as version, @@global.read_only as readonly, ${nowMs} as now`

export async function reach(server: Reachable, signal: AbortSignal): Promise<Session> {
  // Loaded with the first connection, most brokers have none to such a server; and not within the time that one may take.
  await import('mysql2')
  const way = {
    open: (settings: Settings, place: Place, address: string, within: AbortSignal) => open(server, settings, { place, address }, within),
    toError: (error: unknown, settings: Settings) => connectError(error, [settings.password]),
    isWrongPassword: (error: BrokerError) => numberOf(error) === wrongPassword
  }
  return await reachPrimary(way, server, signal)
}

async function open(
  { time, seen }: Reachable,
  settings: Settings,
  { place, address }: { readonly place: Place; readonly address: string },
  signal: AbortSignal
): Promise<Session> {
  const session = await Session.open(settings, place.host, await connected(address, place.port, signal), signal)
  try {
    const saw = time.look()
    const [state] = (await session.run(greeting, signal)).at(-1) ?? []
    session.kind = seen.kind = kindOf(String(state?.['version']))
    saw(Number(state?.['now']))
    if (!['0', 'OFF'].includes(String(state?.['readonly'])))
      throw new BrokerError('target_unreachable', 'no primary answers: the host is read-only')
    return session
  } catch (error) {
    session.destroy()
    throw error
  }
}

async function connected(address: string, port: number, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted()
  const socket = createConnection({ host: address, port, keepAlive: true, noDelay: true })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const stop = () => socket.destroy(signal.reason as Error)
  socket.once('connect', resolve).once('error', reject)
  signal.addEventListener('abort', stop, { once: true })
  try {
    await promise
    return socket
  } finally {
    signal.removeEventListener('abort', stop)
    socket.off('error', reject)
  }
}

import { lookup } from 'node:dns/promises'
import { createConnection, isIP } from 'node:net'
import type { Socket } from 'node:net'
import { BrokerError } from 'mayfly/plugin'
import type { Clock } from 'mayfly/plugin'
import { connectError, numberOf, wrongPassword } from './errors.ts'
import { kindOf } from './server-kind.ts'
import { isForbiddenAddress } from '../database/driver/place.ts'
import { nowMs } from './server-clock.ts'
import type { ServerClock } from '../database/driver/server-clock.ts'
import { lockSeconds, statementSeconds } from './server.ts'
import type { Seen } from './server.ts'
import { Session } from './session.ts'
import type { Place } from '../database/driver/place.ts'
import type { Settings } from './settings.ts'

export interface Reachable {
  readonly settings: Settings
  readonly clock: Clock
  readonly time: ServerClock
  readonly seen: Seen
  /** What the account is about to log in with, while its password changes. */
  readonly expected?: { password?: string }
}

/** How a session of ours reads, quotes and waits. The time limit is a comment to a server that has none. */
export const pinned = `set time_zone = '+00:00', sql_mode = concat('STRICT_ALL_TABLES' /*M! , ',NO_AUTO_CREATE_USER' */), lock_wait_timeout = ${lockSeconds}, innodb_lock_wait_timeout = ${lockSeconds},
  autocommit = 1 /*M! , max_statement_time = ${statementSeconds} */`

const greeting = `${pinned}; select version() as version, @@global.read_only as readonly, ${nowMs} as now`

/** A session, with the password that the account has: while it changes, the new one may be in the server and not yet in our settings. */
export async function reach(server: Reachable, signal: AbortSignal): Promise<Session> {
  // Loaded with the first connection, most brokers have none to such a server; and not within the time that one may take.
  await import('mysql2')
  try {
    return await reachPrimary(server, signal)
  } catch (error) {
    const password = server.expected?.password
    if (password === undefined || !(error instanceof BrokerError) || numberOf(error) !== wrongPassword) throw error
    return await reachPrimary({ ...server, settings: { ...server.settings, password } }, signal)
  }
}

/** With the first host that takes changes: users are made and ended there only. */
async function reachPrimary(server: Reachable, signal: AbortSignal): Promise<Session> {
  let last: BrokerError | undefined
  for (const place of server.settings.hosts) {
    const found = await tryPlace(server, place, signal)
    if (found instanceof Session) return found
    last = found
    // A server that has understood us and said no would say it again.
    if (last.code === 'target_refused' || signal.aborted) break
  }
  throw last ?? new BrokerError('target_unreachable', 'the connection names no host')
}

async function tryPlace(server: Reachable, place: Place, signal: AbortSignal): Promise<Session | BrokerError> {
  const { settings, clock } = server
  using deadline = clock.within(settings.connectSeconds * 1_000, signal)
  let last = new BrokerError('target_unreachable', 'the host has no address')
  try {
    for (const address of await addressesOf(place.host, deadline.signal)) {
      const found = await tryAddress(server, place, address, deadline.signal)
      if (found instanceof Session) return found
      last = found
      if (last.code === 'target_refused' || deadline.signal.aborted) break
    }
    return last
  } catch (error) {
    return connectError(error, [settings.password])
  }
}

async function tryAddress(server: Reachable, { host, port }: Place, address: string, signal: AbortSignal): Promise<Session | BrokerError> {
  let session: Session | undefined
  try {
    session = await Session.open(server.settings, host, await connected(address, port, signal), signal)
    const saw = server.time.look()
    const [state] = (await session.run(greeting, signal)).at(-1) ?? []
    session.kind = server.seen.kind = kindOf(String(state?.['version']))
    saw(Number(state?.['now']))
    if (['0', 'OFF'].includes(String(state?.['readonly']))) return session
    await session.close()
    return new BrokerError('target_unreachable', 'no primary answers: the host is read-only')
  } catch (error) {
    session?.destroy()
    return connectError(error, [server.settings.password])
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

/** Names are resolved here and the address is checked, so that a name cannot lead where an address may not. */
async function addressesOf(host: string, signal: AbortSignal): Promise<readonly string[]> {
  const addresses = isIP(host) ? [host] : (await aborted(signal, lookup(host, { all: true }))).map(found => found.address)
  const allowed = addresses.filter(address => !isForbiddenAddress(address))
  if (addresses.length > 0 && allowed.length === 0)
    throw new BrokerError('target_refused', 'the host resolves to a link-local, metadata or multicast address')
  return allowed
}

/** A lookup cannot be stopped, only left alone. */
async function aborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const stop = () => reject(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

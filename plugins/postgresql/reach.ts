import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { BrokerError } from 'mayfly/plugin'
import type { Clock } from 'mayfly/plugin'
import { connectError, stateOf, wrongPassword } from './errors.ts'
import { isForbiddenAddress } from '../database/driver/place.ts'
import { serverPath } from './search-path.ts'
import { nowMs } from './server-clock.ts'
import type { ServerClock } from '../database/driver/server-clock.ts'
import { Session } from './session.ts'
import type { Place } from '../database/driver/place.ts'
import type { Settings } from './settings.ts'

export interface Reachable {
  readonly settings: Settings
  readonly clock: Clock
  readonly time: ServerClock
  /** What the account is about to log in with, while its password changes. */
  readonly expected?: { password?: string }
}

/** A session, with the password that the account has: while it changes, the new one may be in the server and not yet in our settings. */
export async function reach(server: Reachable, signal: AbortSignal): Promise<Session> {
  try {
    return await reachPrimary(server, signal)
  } catch (error) {
    const password = server.expected?.password
    if (password === undefined || !(error instanceof BrokerError) || stateOf(error) !== wrongPassword) throw error
    return await reachPrimary({ ...server, settings: { ...server.settings, password } }, signal)
  }
}

/** With the first host that answers as primary: users are made and ended there only. */
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
    return connectError(error, secretsOf(settings))
  }
}

async function tryAddress(server: Reachable, place: Place, address: string, signal: AbortSignal): Promise<Session | BrokerError> {
  let session: Session | undefined
  try {
    session = await Session.open(server.settings, place.host, address, place.port, signal)
    const saw = server.time.look()
    const results = await session.run(`${serverPath}; select pg_catalog.pg_is_in_recovery() as standby, ${nowMs} as now`, signal)
    const [state] = results.at(-1)?.rows ?? []
    if (state?.['standby'] === false) {
      saw(Number(state['now']))
      return session
    }
    await session.close()
    return new BrokerError('target_unreachable', 'no primary answers: the host is a standby')
  } catch (error) {
    session?.destroy()
    return connectError(error, secretsOf(server.settings))
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

export const secretsOf = (settings: Settings): readonly string[] => [settings.password]

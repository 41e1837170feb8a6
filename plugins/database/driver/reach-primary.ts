import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { BrokerError, isForbiddenAddress } from 'mayfly/plugin'
import type { Clock } from 'mayfly/plugin'
import type { Place } from './place.ts'

export interface Reached<Settings> {
  readonly settings: Settings
  readonly clock: Clock
  /** What the account is about to log in with, while its password changes. */
  readonly expected?: { password?: string }
}

/** What a driver knows of the way to its kind of server. */
export interface Way<Settings, Session> {
  /** One session at this address. Rejects also where the server takes no changes; then nothing stays open. */
  open(settings: Settings, place: Place, address: string, signal: AbortSignal): Promise<Session>
  /** Whatever went wrong before a session was there, as the broker tells it. `target_refused`: the server has understood us and would say it again. */
  toError(error: unknown, settings: Settings): BrokerError
  isWrongPassword(error: BrokerError): boolean
}

/** A session with the first host that takes changes: users are made and ended there only. With the password that the account has: while it changes, the new one may be in
 *  the server and not yet in our settings. */
export async function reachPrimary<
  Settings extends { readonly hosts: readonly Place[]; readonly connectSeconds: number; readonly password: string },
  Session
>(way: Way<Settings, Session>, { settings, clock, expected }: Reached<Settings>, signal: AbortSignal): Promise<Session> {
  const from = (now: Settings) => firstOf(now.hosts, signal, place => tryPlace(way, { settings: now, clock }, place, signal))
  const found = await from(settings)
  if (!(found instanceof BrokerError)) return found
  const password = expected?.password
  if (password === undefined || !way.isWrongPassword(found)) throw found
  const again = await from({ ...settings, password })
  if (again instanceof BrokerError) throw again
  return again
}

async function tryPlace<Settings extends { readonly connectSeconds: number }, Session>(
  way: Way<Settings, Session>,
  { settings, clock }: Reached<Settings>,
  place: Place,
  signal: AbortSignal
): Promise<Session | BrokerError> {
  using deadline = clock.within(settings.connectSeconds * 1_000, signal)
  const failed = (error: unknown) => way.toError(error, settings)
  try {
    const addresses = await addressesOf(place.host, deadline.signal)
    return await firstOf(addresses, deadline.signal, address =>
      way.open(settings, place, address, deadline.signal).catch((error: unknown) => failed(error))
    )
  } catch (error) {
    return failed(error)
  }
}

/** The first that is found, else why the last was not. */
async function firstOf<Where, Session>(
  all: readonly Where[],
  signal: AbortSignal,
  attempt: (where: Where) => Promise<Session | BrokerError>
): Promise<Session | BrokerError> {
  let last: Session | BrokerError = new BrokerError('target_unreachable', 'the host has no address')
  for (const where of all) {
    last = await attempt(where)
    if (!(last instanceof BrokerError) || last.code === 'target_refused' || signal.aborted) break
  }
  return last
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

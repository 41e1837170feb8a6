import { BrokerError } from 'mayfly/plugin'
import type { Place } from '../../database/driver/place.ts'
import { reachPrimary } from '../../database/driver/reach-primary.ts'
import type { Reached } from '../../database/driver/reach-primary.ts'
import type { ServerClock } from '../../database/driver/server-clock.ts'
import { connectError, stateOf, wrongPassword } from './errors.ts'
import { serverPath } from './search-path.ts'
import { nowMs } from './server-clock.ts'
import { Session } from './session.ts'
import type { Settings } from './settings.ts'

export interface Reachable extends Reached<Settings> {
  readonly time: ServerClock
}

export function reach(server: Reachable, signal: AbortSignal): Promise<Session> {
  const way = {
    open: (settings: Settings, place: Place, address: string, within: AbortSignal) => open(server, settings, { place, address }, within),
    toError: (error: unknown, settings: Settings) => connectError(error, secretsOf(settings)),
    isWrongPassword: (error: BrokerError) => stateOf(error) === wrongPassword
  }
  return reachPrimary(way, server, signal)
}

async function open(
  { time }: Reachable,
  settings: Settings,
  { place, address }: { readonly place: Place; readonly address: string },
  signal: AbortSignal
): Promise<Session> {
  const session = await Session.open(settings, place.host, address, place.port, signal)
  try {
    const saw = time.look()
    const results = await session.run(`${serverPath}; select pg_catalog.pg_is_in_recovery() as standby, ${nowMs} as now`, signal)
    const [state] = results.at(-1)?.rows ?? []
    if (state?.['standby'] !== false) throw new BrokerError('target_unreachable', 'no primary answers: the host is a standby')
    saw(Number(state['now']))
    return session
  } catch (error) {
    session.destroy()
    throw error
  }
}

export const secretsOf = (settings: Settings): readonly string[] => [settings.password]

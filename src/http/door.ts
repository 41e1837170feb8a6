import { perform } from '../broker/door/perform.ts'
import type { Life } from '../broker/life/life.ts'
import type { Reply, WireRequest } from '../broker/door/request.ts'
import type { Parts } from '../broker/parts.ts'
import { BrokerError, errorStatus } from '../contracts/index.ts'

/** What the listener needs of a broker: its life, and the one door. */
export interface Door extends Pick<Life, 'initialised' | 'sealed' | 'sealStatus' | 'health' | 'leader' | 'initialise' | 'unseal'> {
  perform(request: WireRequest): Promise<Reply>
}

export function doorOf(life: Life): Door {
  return {
    initialised: () => life.initialised(),
    sealed: () => life.sealed(),
    sealStatus: () => life.sealStatus(),
    health: () => life.health(),
    leader: () => life.leader(),
    initialise: (body, from) => life.initialise(body, from),
    unseal: (body, from) => life.unseal(body, from),
    perform(request) {
      const parts = life.parts()
      return parts ? metered(parts, request) : Promise.reject(new BrokerError('sealed', 'Vault is sealed'))
    }
  }
}

async function metered(parts: Parts, request: WireRequest): Promise<Reply> {
  const began = parts.clock.elapsed()
  const done = (status: number) => parts.meter.request(request.operation, status, (parts.clock.elapsed() - began) / 1_000)
  try {
    const reply = await perform(parts, request)
    done(reply.status)
    return reply
  } catch (error) {
    done(error instanceof BrokerError ? errorStatus[error.code] : 500)
    throw error
  }
}

import { perform } from '../broker/perform.ts'
import type { Life } from '../broker/life.ts'
import type { Reply, WireRequest } from '../broker/request.ts'
import { BrokerError } from '../contracts/index.ts'

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
      return parts ? perform(parts, request) : Promise.reject(new BrokerError('sealed', 'Vault is sealed'))
    }
  }
}

import { BrokerError, path } from 'mayfly/plugin'
import type { Path } from 'mayfly/plugin'
import { readConfig } from './connection-config.ts'
import type { Engine } from '../engine.ts'

/** `reset/:name`: the sessions of a connection are closed when their calls have ended, and the server is asked anew. */
export function resetPath({ databases }: Engine): Path {
  return path({
    pattern: 'reset/:name',
    summary: 'closes the sessions of a connection and opens them again',
    write: async ({ params }, storage) => {
      const name = params['name'] ?? ''
      const stored = await readConfig(storage, name)
      if (!stored) throw new BrokerError('invalid_request', `failed to find entry for connection with name: "${name}"`)
      const { target } = stored.config
      databases.close(target)
      using held = await databases.hold(target)
      await held.check.now()
      return undefined
    }
  })
}

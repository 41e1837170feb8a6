import { BrokerError } from '../../contracts/index.ts'

export interface Caller {
  readonly requestId: string
  readonly remoteAddress: string
  readonly remotePort: number
}

/** An audit entry of the time without keys (init, unseal, seal): clear fields only, nothing of the body. The first checkpoint after unseal signs it. */
export function lifeEntry(operation: 'init' | 'unseal' | 'seal', from: Caller, now: Temporal.Instant, error: unknown): string {
  return JSON.stringify({
    time: now.toString(),
    type: 'response',
    ...(error === undefined ? {} : { error: error instanceof BrokerError ? error.message.split(':')[0] : 'internal error' }),
    request: {
      id: from.requestId,
      operation: 'update',
      path: `sys/${operation}`,
      remote_address: from.remoteAddress,
      remote_port: from.remotePort
    }
  })
}

import { BrokerError } from '../../src/contracts/index.ts'
import type { Log } from '../../src/contracts/index.ts'
import type { Door } from '../../src/http/door.ts'
import type { Reply, WireRequest } from '../../src/broker/door/request.ts'

/** A small true door: what it was asked comes back, so that a test sees what the listener made of the bytes. `t` is its only token. */
export class EchoDoor implements Door {
  life: 'uninitialised' | 'sealed' | 'unsealed' = 'unsealed'
  readonly asked: WireRequest[] = []
  readonly lifeCalls: { readonly body: unknown; readonly from: unknown }[] = []
  /** In the place of the echo. */
  answer: ((request: WireRequest) => Promise<Reply>) | undefined

  initialised(): boolean {
    return this.life !== 'uninitialised'
  }

  sealed(): boolean {
    return this.life !== 'unsealed'
  }

  sealStatus() {
    return { type: 'shamir', sealed: this.sealed() }
  }

  health() {
    return { initialized: this.initialised(), sealed: this.sealed(), version: '2.6.2' }
  }

  leader() {
    return { ha_enabled: false }
  }

  async initialise(body: unknown, from: unknown) {
    this.lifeCalls.push({ body, from })
    if (this.initialised()) throw new BrokerError('invalid_request', 'Vault is already initialized')
    this.life = 'sealed'
    return { keys: ['k'], root_token: 't' }
  }

  async unseal(body: unknown, from: unknown) {
    this.lifeCalls.push({ body, from })
    this.life = 'unsealed'
    return this.sealStatus()
  }

  async perform(request: WireRequest): Promise<Reply> {
    this.asked.push(request)
    if (request.token !== 't') throw new BrokerError('permission_denied', 'permission denied')
    if (this.answer) return this.answer(request)
    const { operation, path, data } = request
    return { requestId: request.id, status: 200, data: { operation, path, data } }
  }
}

export interface Line {
  readonly level: 'info' | 'warn' | 'error'
  readonly event: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly error: unknown
}

/** Keeps what is logged. */
export function keepingLog(): Log & { readonly lines: Line[] } {
  const lines: Line[] = []
  const at =
    (level: Line['level']) =>
    (event: string, fields: object = {}, error?: unknown) =>
      void lines.push({ level, event, fields: { ...fields }, error })
  return { lines, info: at('info'), warn: at('warn'), error: at('error') }
}

import type { Envelope } from './envelope.ts'
import type { JsonObject } from '../contracts/json.ts'
import { Secret } from '../contracts/secret.ts'

/** What a path answered. Its data prints as `[secret]`. */
export class Reply<Data = JsonObject> {
  readonly requestId: string
  /** Empty where nothing was issued. */
  readonly leaseId: string
  readonly leaseSeconds: number
  readonly renewable: boolean
  readonly warnings: readonly string[]
  readonly data: Secret<Data>

  constructor({ request_id, lease_id, lease_duration, renewable, warnings, data }: Envelope) {
    this.requestId = request_id
    this.leaseId = lease_id
    this.leaseSeconds = lease_duration
    this.renewable = renewable
    this.warnings = warnings ?? []
    this.data = new Secret((data ?? {}) as Data)
  }

  reveal(): Data {
    return this.data.reveal()
  }
}

import { BrokerError } from '../../contracts/index.ts'
import type { Log } from '../../contracts/index.ts'
import type { Store } from '../../store/store.ts'

// After a start others go first: requests, and what is overdue.
const firstMs = 10_000
const everyMs = 86_400_000

/** Reads the whole store now and then. Damage stops issuing: what may not be found again must not be promised. Ending goes on, as far as it can be read. */
export class Inspection {
  readonly #store: Store
  readonly #log: Log
  #looks = 0
  #findings: readonly string[] = []

  constructor({ store, log }: { readonly store: Store; readonly log: Log }) {
    this.#store = store
    this.#log = log
  }

  /** Milliseconds until the next look. */
  async turn(signal: AbortSignal): Promise<number> {
    if (this.#looks++ === 0) return firstMs
    this.#findings = await this.#store.inspect(signal)
    if (this.#findings.length > 0)
      this.#log.error('the file of the store is damaged: nothing is issued. Stop, keep a copy, and restore a backup', {
        findings: this.#findings.join('; ')
      })
    return everyMs
  }

  refuseOnDamage(): void {
    if (this.#findings.length > 0) throw new BrokerError('integrity', 'the file of the store is damaged')
  }
}

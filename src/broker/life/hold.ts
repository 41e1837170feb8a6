/** A held store, as this node knows it: it was copied, restored or put back, and only reads until an operator resumes it. The store refuses by itself whatever would change it
 *  (`sqlite/held.ts`); what is refused here are the effects outside the store, before they happen. */
import { BrokerError } from '../../contracts/index.ts'
import { heldSentence } from '../../store/store.ts'
import type { Store, Whereabouts } from '../../store/store.ts'
import type { WireRequest } from '../door/request.ts'

export class Hold {
  readonly #store: Store
  #now: Whereabouts

  private constructor(store: Store, now: Whereabouts) {
    this.#store = store
    this.#now = now
  }

  static async read(store: Store): Promise<Hold> {
    return new Hold(store, await store.whereabouts())
  }

  get held(): Whereabouts['held'] {
    return this.#now.held
  }

  /** Of a copy that was resumed. */
  get instance(): string | undefined {
    return this.#now.instance
  }

  async readAgain(): Promise<void> {
    this.#now = await this.#store.whereabouts()
  }

  /** At the door: what neither reads nor is asked for in order to resume. */
  refuseWrites({ operation, path }: WireRequest): void {
    if (operation !== 'read' && operation !== 'list' && !(operation === 'write' && harmless.test(path))) this.refuse()
  }

  refuse(): void {
    const { held } = this.#now
    if (held) throw new BrokerError('held', heldSentence(held.cause))
  }
}

/** Questions that are asked by a write, sealing, and the way out. */
const harmless =
  /^(sys\/(resume|seal|leases\/lookup|capabilities(-self|-accessor)?|internal\/.*|audit-hash\/.*|tools\/.*|wrapping\/lookup)|auth\/token\/lookup(-accessor)?)$/

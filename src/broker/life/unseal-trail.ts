import { countedEntry } from '../../audit/event.ts'
import type { Clock, Log } from '../../contracts/index.ts'
import type { Store } from '../../store/store.ts'
import { lifeEntry } from './life-entry.ts'
import type { Caller } from './life-entry.ts'
import { RefusalRate } from '../door/refusal-rate.ts'

interface UnsealTrailParts {
  readonly clock: Clock
  readonly log: Log
  readonly store: Store
}

/** What the trail tells of shares that are handed in. Anybody may hand some in, so above a rate they are only counted: otherwise a stranger could fill the disk of a sealed broker. */
export class UnsealTrail {
  readonly #parts: UnsealTrailParts
  readonly #rate: RefusalRate
  #counted = 0

  constructor(parts: UnsealTrailParts) {
    this.#parts = parts
    this.#rate = new RefusalRate(parts.clock)
  }

  /** What `add` answers or throws, after its entry: the root key, when the share was the last one. */
  async told(from: Caller, add: () => Uint8Array | undefined): Promise<Uint8Array | undefined> {
    let rootKey: Uint8Array | undefined
    try {
      rootKey = add()
    } catch (error) {
      await this.#record(from, { error, opened: false })
      throw error
    }
    await this.#record(from, { opened: rootKey !== undefined })
    return rootKey
  }

  /** Never rejects: on a full disk a broker that stays sealed would end nothing, and unsealing alone gives nobody anything. */
  async #record(from: Caller, outcome: { readonly error?: unknown; readonly opened: boolean }): Promise<void> {
    const { store, clock, log } = this.#parts
    if (this.#rate.spent(from.remoteAddress) && !outcome.opened) return void this.#counted++
    const [counted, now] = [this.#counted, clock.now()]
    this.#counted = 0
    const before = counted === 0 ? [] : [countedEntry(now.toString(), { remoteAddress: 'others', count: counted })]
    try {
      await store.commit([], [...before, lifeEntry('unseal', from, now, outcome.error)])
    } catch (error) {
      this.#counted += counted
      log.error('a share was handed in, and the trail cannot tell it', { remote_address: from.remoteAddress }, error)
    }
  }
}

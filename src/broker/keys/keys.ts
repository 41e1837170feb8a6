import { BrokerError } from '../../contracts/index.ts'
import type { AutoSeal, Clock, Log, Random } from '../../contracts/index.ts'
import { encryptionsMax } from '../../seal/barrier.ts'
import type { Barrier } from '../../seal/barrier.ts'
import { encryptionsBlock } from '../../seal/keyring.ts'
import type { Keyring, KeyringChange } from '../../seal/keyring.ts'
import type { StoredKeyring } from '../../seal/stored-keyring.ts'
import type { Intention } from '../../store/change.ts'
import type { SealRecord, Store } from '../../store/store.ts'
import type { At } from '../crash-point.ts'

// A key file answers at once, a key service may not.
const sealLimitMs = 10_000

interface KeysParts {
  readonly seal: 'shamir' | AutoSeal
  readonly store: Store
  readonly barrier: Barrier
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly at: At
}

/** The keyring's changes, one at a time, each durable before it is made: a new key before anything is sealed with it, a count before the encryptions that it counts. */
export class Keys implements AsyncDisposable {
  readonly #parts: KeysParts
  readonly #stored: StoredKeyring
  #turn: Promise<unknown> = Promise.resolve()
  #reserving = false

  private constructor(parts: KeysParts, stored: StoredKeyring) {
    this.#parts = parts
    this.#stored = stored
  }

  /** Counts a first block. Where that fails (a full disk) nothing is sealed, and so nothing issued, until it succeeds; but what is due is still opened and ended. */
  static async open(parts: KeysParts, stored: StoredKeyring): Promise<Keys> {
    const keys = new Keys(parts, stored)
    await keys.reserve()
    parts.barrier.whenLow(() => void keys.reserve())
    return keys
  }

  get #keyring(): Keyring {
    return this.#stored.keyring
  }

  /** Ids of the newest key, and of the oldest that is still stored. */
  get span(): { readonly oldest: number; readonly newest: number; readonly rotatedAt: Temporal.Instant } {
    const { oldest, current } = this.#keyring
    return { oldest, newest: current.id, rotatedAt: current.createdAt }
  }

  /** From its commit on a new key seals. `audit`: of its id. */
  rotate(audit: (term: number) => string): Promise<void> {
    const { clock, random, at } = this.#parts
    return this.#inTurn(async () => {
      const add = this.#keyring.nextKey(random, clock.now())
      await at('rotate:before-commit')
      await this.#change({ add }, [], [audit(add.id)])
    })
  }

  /** In the same commit as `more`, keys below `id` go: no row names them any more. */
  drop(id: number, more: readonly Intention[], audit: readonly string[]): Promise<void> {
    return this.#inTurn(() => this.#change({ dropBelow: id }, more, audit))
  }

  /** The root key under a new key of the seal; the data stay as they are. From the commit of `audit` on only the new one opens the store. */
  async renewSeal(audit: string): Promise<void> {
    const { seal, clock, at } = this.#parts
    if (seal === 'shamir')
      throw new BrokerError('invalid_request', 'this store is sealed by shares, and there is no key of the seal to rotate')
    if (!seal.renew) throw new BrokerError('invalid_request', 'this seal keeps its key elsewhere, and cannot rotate it')
    await this.#inTurn(async record => {
      using deadline = clock.within(sealLimitMs)
      const keep = (wrapped: Uint8Array) => this.#rewrap(record, wrapped, audit)
      await seal.renew!(this.#stored.rootKey, record.rootKey, keep, deadline.signal)
      await at('seal-key:after-rename')
    })
  }

  async #rewrap(record: SealRecord, rootKey: Uint8Array, audit: string): Promise<void> {
    const { store, clock, at } = this.#parts
    await at('seal-key:after-new-file')
    const { config, rootKey: expected } = record
    await store.commit([{ kind: 'seal.rekey', now: clock.now(), rootKey, config, expected }], [audit])
    await at('seal-key:after-commit')
  }

  /** Counts the next block, when half of the last is gone. Never rejects: the barrier refuses to seal what is not counted. */
  async reserve(): Promise<void> {
    if (this.#reserving || this.#keyring.current.left > encryptionsBlock / 2) return
    this.#reserving = true
    try {
      await this.#inTurn(() => this.#reserveNow())
    } catch (error) {
      this.#parts.log.error('encryptions cannot be counted in the store; without that nothing is sealed', {}, error)
    } finally {
      this.#reserving = false
    }
  }

  async #reserveNow(): Promise<void> {
    const before = this.#keyring.current
    const counted = Math.min(before.counted + encryptionsBlock, encryptionsMax)
    if (counted === before.counted) return
    const block = counted - before.counted
    await this.#change({ counted })
    before.left += block
  }

  async #change(change: KeyringChange, more: readonly Intention[] = [], audit: readonly string[] = []): Promise<void> {
    const { store, clock } = this.#parts
    const keyring = this.#stored.sealed(change)
    const all: Intention[] = [{ kind: 'seal.keyring', keyring, expected: this.#stored.bytes }, ...more]
    await store.commit(
      all.map(each => ({ ...each, now: clock.now() })),
      audit
    )
    await this.#parts.at('keys:after-commit')
    this.#stored.made(change, keyring)
  }

  /** A change whose outcome stayed unknown may have happened: each begins with what the store holds. */
  #inTurn<T>(work: (record: SealRecord) => Promise<T>): Promise<T> {
    const turn = this.#turn.then(async () => {
      const record = await this.#parts.store.readSeal()
      if (!record) throw new Error('the store has no seal')
      this.#stored.catchUp(record.keyring)
      return work(record)
    })
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  /** Gives back what was counted and not made. When that fails, a few too many stay counted. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#parts.barrier.whenLow(() => undefined)
    await this.#inTurn(async () => {
      const { current } = this.#keyring
      const counted = current.counted - current.left
      current.left = 0
      if (counted < current.counted) await this.#change({ counted })
    }).catch(() => undefined)
  }
}

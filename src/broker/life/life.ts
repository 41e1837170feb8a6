/** The broker's life: not initialised, sealed, unsealed. Only while it is unsealed are there parts, a sweeper and sinks; sealing zeroes the keys and ends them all. */
import { BrokerError } from '../../contracts/index.ts'
import type { AutoSeal, Clock, JsonObject, Log, Random } from '../../contracts/index.ts'
import { createRootKey, sealKeyring } from '../../seal/root-key.ts'
import { UnsealAttempt } from '../../seal/unseal-attempt.ts'
import { Keyring } from '../../seal/keyring.ts'
import { Barrier } from '../../seal/barrier.ts'
import { StoredKeyring } from '../../seal/stored-keyring.ts'
import type { SealRecord, Store } from '../../store/store.ts'
import type { AuditSink } from '../../contracts/index.ts'
import type { At } from '../crash-point.ts'
import { lifeEntry } from './life-entry.ts'
import { health, sealStatus } from './life-status.ts'
import type { LifeNow } from './life-status.ts'
import type { Caller } from './life-entry.ts'
import { Hold } from './hold.ts'
import type { Catalog, CoreTables } from '../mounts/mounts.ts'
import type { Parts } from '../parts.ts'
import { rootToken } from './root-token.ts'
import type { Settings } from '../settings.ts'
import { shamirOf } from './shamir-of.ts'
import { uuid } from '../uuid.ts'
import { UnsealTrail } from './unseal-trail.ts'
import { sealLimitMs, wrapRootKey } from './wrap-root-key.ts'
import { startWorking } from './working.ts'
import type { Working } from './working.ts'

export interface LifeParts {
  readonly settings: Settings
  /** The host's own clock. */
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly store: Store
  readonly seal: 'shamir' | AutoSeal
  readonly catalog: Catalog
  readonly core: CoreTables
  /** Opens the sinks of the configuration, at each unseal; those of `sys/audit` are opened by `openSink`. */
  readonly sinks: (checkpointKeyId: string) => Promise<readonly AuditSink[]>
  readonly openSink: (path: string, checkpointKeyId: string) => Promise<AuditSink>
  readonly at: At
}

export class Life implements AsyncDisposable {
  readonly #parts: LifeParts
  readonly #hold: Hold
  readonly #unsealTrail: UnsealTrail
  #record: SealRecord | undefined
  #attempt: UnsealAttempt | undefined
  #working: Working | undefined
  #sealedByHand = false
  /** One change of life at a time. */
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(parts: LifeParts, record: SealRecord | undefined, hold: Hold) {
    this.#parts = parts
    this.#hold = hold
    this.#unsealTrail = new UnsealTrail(parts)
    this.#adopt(record)
  }

  /** Reads whether the store is initialised, and unseals by itself where the seal can. */
  static async begin(parts: LifeParts): Promise<Life> {
    const life = new Life(parts, await parts.store.readSeal(), await Hold.read(parts.store))
    if (life.#record) await life.#unsealByItself()
    return life
  }

  #adopt(record: SealRecord | undefined): void {
    const kind = this.#parts.seal === 'shamir' ? 'shamir' : this.#parts.seal.kind
    if (record && record.kind !== kind)
      throw new BrokerError(
        'invalid_request',
        `the store is sealed by ${record.kind}, and the configuration names ${kind}: name the seal that it was initialised with`
      )
    this.#record = record
    if (record?.kind === 'shamir') {
      const { threshold } = shamirOf(record)
      this.#attempt = new UnsealAttempt({ threshold, wrapped: record.rootKey }, this.#parts.random)
    }
  }

  /** What a request works with; `undefined` while sealed or not initialised. */
  parts(): Parts | undefined {
    return this.#working?.parts
  }

  initialised(): boolean {
    return this.#record !== undefined
  }

  sealed(): boolean {
    return this.#working === undefined
  }

  sealStatus(): JsonObject {
    return sealStatus(this.#now())
  }

  health(): JsonObject {
    return health(this.#now())
  }

  #now(): LifeNow {
    return { parts: this.#parts, record: this.#record, working: this.#working, attempt: this.#attempt, hold: this.#hold }
  }

  leader(): JsonObject {
    return { ha_enabled: false }
  }

  /** Once in a store's life: root key, keyring, the first root token, all in one commit. `devRootToken` is a developer's own choice, never the wire's. */
  initialise(body: JsonObject, from: Caller, devRootToken?: string): Promise<JsonObject> {
    return this.#exclusively(async () => {
      if (this.#record) throw new BrokerError('invalid_request', 'Vault is already initialized')
      const { random, clock, store } = this.#parts
      const rootKey = createRootKey(random)
      const keyring = Keyring.create(random, clock.now())
      const instance = uuid(random)
      try {
        const wrapped = await wrapRootKey(this.#parts, rootKey, body)
        const record = {
          kind: wrapped.kind,
          config: wrapped.config,
          rootKey: wrapped.wrapped,
          // Nothing is sealed before it is opened again.
          keyring: sealKeyring(keyring, rootKey, instance, random, { counted: 0 }),
          instance
        }
        const root = rootToken(Barrier.create(keyring, random), random, clock.now(), devRootToken)
        const now = clock.now()
        await store.commit(
          [
            { kind: 'seal.initialise', now, record },
            { kind: 'token.create', now, token: root.row }
          ],
          [lifeEntry('init', from, now, undefined)]
        )
        this.#adopt(record)
        if (record.kind !== 'shamir') await this.#workIfPossible(rootKey)
        return { ...wrapped.reply, root_token: root.token }
      } finally {
        rootKey.fill(0)
      }
    })
  }

  /** The store is initialised, and nobody can do it again: what keeps the broker from its work must not keep the root token from its owner. */
  async #workIfPossible(rootKey: Uint8Array): Promise<void> {
    await this.#work(rootKey).catch(error => this.#parts.log.error('initialised, and cannot be unsealed yet', {}, error))
  }

  /** One share, or a reset. Nothing tells which share of a wrong set was wrong. */
  unseal(body: JsonObject, from: Caller): Promise<JsonObject> {
    return this.#exclusively(async () => {
      if (!this.#record) throw new BrokerError('invalid_request', 'Vault is not initialized')
      if (!this.#attempt) return this.#unsealAgain()
      if (body['migrate'] === true) throw new BrokerError('invalid_request', 'migrate is not offered')
      if (body['reset'] === true || body['reset'] === 'true') {
        this.#attempt.reset()
        return this.sealStatus()
      }
      const key = body['key']
      if (typeof key !== 'string' || key === '')
        throw new BrokerError('invalid_request', "'key' must be specified in request body as JSON, or 'reset' set to true")
      if (!this.#working) await this.#addShare(this.#attempt, key, from)
      return this.sealStatus()
    })
  }

  /** A seal that opens without a share would give back to anybody what an operator has just taken away: only who can restart the broker opens it again. */
  async #unsealAgain(): Promise<JsonObject> {
    if (this.#sealedByHand) throw new BrokerError('invalid_request', 'this broker unseals itself when it starts: restart it')
    await this.#unsealByItself()
    return this.sealStatus()
  }

  async #addShare(attempt: UnsealAttempt, key: string, from: Caller): Promise<void> {
    const rootKey = await this.#unsealTrail.told(from, () => attempt.add(key))
    if (!rootKey) return
    try {
      await this.#work(rootKey)
    } finally {
      rootKey.fill(0)
    }
  }

  async #unsealByItself(): Promise<void> {
    const { seal, clock } = this.#parts
    if (seal === 'shamir' || !this.#record || this.#working) return
    await this.#recordAgain()
    using deadline = clock.within(sealLimitMs)
    const rootKey = await seal.unwrap(this.#record.rootKey, deadline.signal)
    try {
      await this.#work(rootKey)
    } finally {
      rootKey.fill(0)
    }
  }

  /** Keys may have been rotated since. */
  async #recordAgain(): Promise<SealRecord> {
    const record = (await this.#parts.store.readSeal()) ?? this.#record
    if (!record) throw new Error('the store has no seal')
    return (this.#record = record)
  }

  async #work(rootKey: Uint8Array): Promise<void> {
    const record = await this.#recordAgain()
    await this.#parts.at('boot:before-unseal')
    const keyring = StoredKeyring.open(record, rootKey, this.#parts.random)
    this.#working = await startWorking(
      this.#parts,
      keyring,
      this.#hold.instance ?? record.instance,
      this.#hold,
      () => void this.seal().catch(error => this.#parts.log.error('sealing failed', {}, error))
    )
    await this.#parts.at('boot:after-unseal')
  }

  seal(): Promise<void> {
    return this.#exclusively(async () => {
      this.#sealedByHand = true
      const working = this.#working
      this.#working = undefined
      await working?.[Symbol.asyncDispose]()
    })
  }

  /** SIGHUP: sinks open their files anew. */
  async reopen(): Promise<void> {
    await this.#working?.parts.sinks.reopen()
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.seal()
  }
}

import { createHash } from 'node:crypto'
import type { LeaseId, TargetId } from '../../../src/contracts/index.ts'
import type { Lease, RevokeCause } from '../../../src/lease/lease.ts'
import type { Intention, Settlement } from '../../../src/store/change.ts'
import type { ChangeResult, Store } from '../../../src/store/store.ts'
import type { Token } from '../../../src/store/token.ts'

/** A store under test and how it is opened anew. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: Store
  /** Ends this run and begins the next one on the same data. Absent where nothing outlives a run. */
  restart?(): Promise<Store>
  /** Begins the next run of the same node while the first one still works: what a node that was stopped for a while finds. */
  usurp?(): Promise<Store>
}

export type OpenStore = () => Promise<StoreUnderTest>

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')

/** A store with a clock that the test winds, and short ways to what a broker does with it. */
export class World implements AsyncDisposable {
  store: Store
  now = Temporal.Instant.from('2026-11-25T12:00:00Z')
  readonly #under: StoreUnderTest
  #count = 0

  constructor(under: StoreUnderTest) {
    this.#under = under
    this.store = under.store
  }

  static async open(open: OpenStore): Promise<World> {
    return new World(await open())
  }

  advance(duration: Temporal.DurationLike): void {
    this.now = this.now.add(duration)
  }

  in(duration: Temporal.DurationLike): Temporal.Instant {
    return this.now.add(duration)
  }

  async restart(): Promise<void> {
    this.store = await this.#under.restart!()
  }

  usurp(): Promise<Store> {
    return this.#under.usurp!()
  }

  /** One change in a commit of its own. */
  async change(intention: Intention & { readonly audit?: readonly string[] }, audit: readonly string[] = []): Promise<ChangeResult> {
    const [result] = await this.store.commit([{ ...intention, now: this.now }], audit)
    return result!
  }

  newToken(over: Partial<Token> = {}): Token {
    const n = ++this.#count
    return {
      hash: hashOf(`token ${n}`),
      accessor: `accessor${String(n).padStart(16, '0')}`,
      parent: null,
      depth: 0,
      path: 'auth/token/create',
      policies: ['default'],
      displayName: 'token',
      meta: null,
      entity: '',
      uses: 0,
      issuedAt: this.now,
      creationTtl: 3_600,
      explicitMaxTtl: 0,
      period: 0,
      renewable: true,
      expiresAt: this.in({ hours: 100 }),
      lastRenewal: null,
      boundCidrs: [],
      endedAt: null,
      endedBy: null,
      ...over
    }
  }

  async token(over: Partial<Token> = {}): Promise<Token> {
    const token = this.newToken(over)
    await this.change({ kind: 'token.create', token })
    return (await this.store.token(token.hash))!
  }

  newLease(token: Token, over: Partial<Lease> = {}): Lease {
    const n = String(++this.#count).padStart(24, '0')
    const path = over.path ?? 'database/creds/readonly'
    return {
      id: `${path}/${n}` as LeaseId,
      state: 'issuing',
      version: 1,
      mount: 'mount-1',
      path,
      role: 'readonly',
      roleVersion: 1,
      credential: 'user',
      target: 'target-1' as TargetId,
      recipe: hashOf('recipe'),
      handle: bytes('sealed handle'),
      name: `v-token-readonly-${n}`,
      visible: { username: `v-token-readonly-${n}` },
      subject: null,
      token: token.hash,
      accessor: token.accessor,
      displayName: token.displayName,
      entity: token.entity,
      remoteAddress: '192.0.2.7',
      requestId: `request ${n}`,
      outlivesToken: false,
      renewable: true,
      guarantees: { revocable: 'at once', endsSessions: true, diesByItself: true, listable: true, observable: 'no', notes: ['a note'] },
      ttl: 3_600,
      issuedAt: this.now,
      expiresAt: this.in({ hours: 1 }),
      maxExpiresAt: this.in({ hours: 24 }),
      createBy: this.in({ seconds: 10 }),
      lastRenewal: null,
      dueAt: this.in({ seconds: 30 }),
      epoch: this.store.node.epoch,
      activated: false,
      cause: null,
      failures: 0,
      lastError: null,
      endedAt: null,
      revokedAt: null,
      forcedBy: null,
      outlivesUntil: null,
      usage: null,
      ...over
    }
  }

  async begin(token: Token, over: Partial<Lease> = {}): Promise<Lease> {
    const lease = this.newLease(token, over)
    await this.change({ kind: 'lease.begin', lease, recipe: bytes('sealed recipe') })
    return lease
  }

  activate(lease: Lease, over: Partial<Lease> = {}): Promise<ChangeResult> {
    const { id, version, handle, visible, expiresAt, guarantees } = { ...lease, ...over }
    return this.change({ kind: 'lease.activate', id, version, handle, visible, expiresAt, guarantees })
  }

  async active(token: Token, over: Partial<Lease> = {}): Promise<Lease> {
    const lease = await this.begin(token, over)
    await this.activate(lease)
    return this.lease(lease.id)
  }

  async lease(id: LeaseId): Promise<Lease> {
    return (await this.store.lease(id))!
  }

  due(id: LeaseId, cause: RevokeCause = 'manual'): Promise<ChangeResult> {
    return this.change({ kind: 'lease.due', id, cause })
  }

  async claim(
    over: { target?: TargetId; dueBefore?: Temporal.Instant; limit?: number; until?: Temporal.Instant } = {}
  ): Promise<readonly Lease[]> {
    const { target = 'target-1' as TargetId, dueBefore = this.now, limit = 500, until = this.in({ minutes: 1 }) } = over
    return (await this.change({ kind: 'lease.claim', target, dueBefore, limit, until })).leases ?? []
  }

  /** How many of the outcomes settled. */
  async settle(leases: readonly Lease[], outcome: SettlementOutcome): Promise<number> {
    const settlements = leases.map(({ id, version }) => ({ id, version, ...outcome }))
    return (await this.change({ kind: 'lease.settle', settlements })).count ?? 0
  }

  /** Works off every open cascade; the sizes of the batches. */
  async cascade(limit = 1_000): Promise<number[]> {
    const batches: number[] = []
    for (;;) {
      const { cascades } = await this.store.dueWork(this.now)
      if (cascades.length === 0) return batches
      for (const { id } of cascades) batches.push((await this.change({ kind: 'cascade.work', id, limit })).count ?? 0)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#under[Symbol.asyncDispose]()
  }
}

export type SettlementOutcome = Settlement extends infer S ? (S extends Settlement ? Omit<S, 'id' | 'version'> : never) : never

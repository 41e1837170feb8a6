import { BrokerError } from '../../contracts/index.ts'
import type { Secret } from '../../contracts/index.ts'
import type { Decision } from '../../policy/decide.ts'
import type { Change } from '../../store/change.ts'
import { LostCondition } from '../../store/store.ts'
import type { ChangeResult } from '../../store/store.ts'
import type { Token } from '../../store/token.ts'
import type { MountRecord } from '../mounts/mount.ts'
import type { Parts } from '../parts.ts'
import type { Identity, Outcome, Reply, WireRequest, WrapInfo } from './request.ts'
import { wrap } from '../wrapping/wrap.ts'

/** What the audit says of a request whatever becomes of it. */
export interface Facts {
  readonly request: WireRequest
  readonly token: Token | null
  readonly mount: MountRecord | undefined
  readonly decision: Decision | undefined
}

/** What a response entry adds. */
export interface Answered {
  readonly outcome?: Outcome
  readonly leaseId?: string
  /** In clear: the issued name, role, target, guarantees. */
  readonly issued?: Readonly<Record<string, unknown>>
  readonly warnings?: readonly string[]
  /** Given in the place of the outcome. */
  readonly wrapInfo?: Secret<WrapInfo>
  readonly error?: unknown
}

/** One request and its two audit entries: asked before the effect, answered after it. Each is in the transaction of what it describes. */
export class Exchange {
  readonly parts: Parts
  readonly request: WireRequest
  readonly identity: Identity
  #facts: Facts
  #asked = false
  #concluded = false

  constructor(parts: Parts, request: WireRequest, identity: Identity, mount: MountRecord | undefined) {
    this.parts = parts
    this.request = request
    this.identity = identity
    this.#facts = { request, token: identity.token, mount, decision: undefined }
  }

  /** What policy said. A request that fails before is audited without. */
  decided(decision: Decision): void {
    this.#facts = { ...this.#facts, decision }
  }

  /** The promise: changes and the request's entry, before an effect outside the store. */
  async promise(changes: readonly Change[]): Promise<readonly ChangeResult[]> {
    const results = await commit(this.parts, changes, [this.parts.trail.request(this.#facts)])
    this.#asked = true
    return results
  }

  /** Changes and the response's entry, and the request's too when nothing came before. */
  async conclude(changes: readonly Change[], answered: Answered): Promise<readonly ChangeResult[]> {
    const { trail } = this.parts
    const response = trail.response(this.#facts, answered)
    const results = await commit(this.parts, changes, this.#asked ? [response] : [trail.request(this.#facts), response])
    this.#concluded = true
    await this.parts.at('audit:after-row-commit')
    return results
  }

  /** Concludes with what the caller is told: the reply as it is, or its wrapping in the same commit. What is wrapped is not audited before it is opened. */
  async reply(changes: readonly Change[], answered: Answered, say: () => Reply): Promise<Reply> {
    const { parts, request } = this
    const wrapped = request.wrapSeconds ? wrap(parts, this.#facts, say(), changes) : undefined
    if (!wrapped) {
      await this.conclude(changes, answered)
      return say()
    }
    const { outcome: _, ...rest } = answered
    await parts.at('wrap:before-commit')
    await this.conclude([...changes, ...wrapped.changes], { ...rest, wrapInfo: wrapped.info })
    await parts.at('wrap:after-commit')
    return wrapped.reply
  }

  /** A refusal or a failure is audited like a success. Gives back what the caller is told. */
  async fail(error: unknown): Promise<unknown> {
    if (this.#concluded) return error
    await this.conclude([], { error })
    return error
  }
}

/** A commit whose lost condition speaks to the caller. A store that cannot write means no durable audit: the request is not answered. */
export async function commit(parts: Parts, changes: readonly Change[], audit: readonly string[]): Promise<readonly ChangeResult[]> {
  const began = parts.clock.elapsed()
  try {
    const results = await parts.store.commit(changes, audit)
    parts.meter.committed((parts.clock.elapsed() - began) / 1_000)
    for (const { kind } of changes) if (kind === 'token.create') parts.meter.tokenGiven()
    return results
  } catch (error) {
    if (error instanceof LostCondition) throw new BrokerError(error.code, error.message, { cause: error })
    throw error
  }
}

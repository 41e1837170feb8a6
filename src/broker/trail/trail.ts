import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { ChainHead } from '../../audit/chain.ts'
import { checkpointEntry, checkpointKeyId, signCheckpoint } from '../../audit/checkpoint.ts'
import { describeRequest, requestEntry, responseEntry } from '../../audit/entry.ts'
import type { AnsweredFacts, Asked, Described } from '../../audit/entry.ts'
import { errorText } from '../../audit/error-text.ts'
import {
  circuitEntry,
  countedEntry,
  countedReadingEntry,
  keyEntry,
  reconciledEntry,
  revocationEntry,
  taskEntry,
  unmountEntry
} from '../../audit/event.ts'
import type { KeyChange } from '../../audit/event.ts'
import type { Hash } from '../../audit/redact.ts'
import { BrokerError } from '../../contracts/index.ts'
import type { JsonObject, RevokeOutcome, TargetId } from '../../contracts/index.ts'
import type { Lease } from '../../lease/lease.ts'
import type { ScheduledTask } from '../../store/store.ts'
import type { Answered, Facts } from '../door/exchange.ts'
import type { MountRecord } from '../mounts/mount.ts'
import { AddressCounts } from './address-counts.ts'
import type { Parts } from '../parts.ts'
import { RefusedLogin } from '../login/refused-login.ts'
import { putEntry, readEntry } from '../mounts/sealed-rows.ts'

type TrailParts = Pick<Parts, 'store' | 'barrier' | 'clock' | 'random'>

const space = 'system'
const keyName = 'checkpoint-key'

/** Writes the bodies of audit entries: what is secret as a keyed hash, what must be readable later in clear. */
export class Trail {
  readonly #parts: TrailParts
  readonly #privateKey: KeyObject
  readonly #publicKey: KeyObject
  readonly #keyId: string
  readonly #refusals = new AddressCounts()
  readonly #readings = new AddressCounts()
  readonly #described = new WeakMap<Facts, Described>()
  #moment: Temporal.Instant | undefined
  #momentText = ''
  /** The keyed hash of a value, as `sys/audit-hash` tells it. */
  readonly hash: Hash

  private constructor(parts: TrailParts, privateKey: KeyObject) {
    this.#parts = parts
    this.#privateKey = privateKey
    this.#publicKey = createPublicKey(privateKey)
    this.#keyId = checkpointKeyId(this.#publicKey)
    this.hash = value => `hmac-sha256:${parts.barrier.macHex('audit', value)}`
  }

  static async open(parts: TrailParts): Promise<Trail> {
    const stored = await readEntry(parts.store, parts.barrier, space, keyName)
    if (typeof stored?.value === 'string') return new Trail(parts, privateKeyOf(stored.value))
    const seed = Buffer.from(parts.random.bytes(32)).toString('base64')
    await parts.store.commit([{ ...putEntry(parts.barrier, space, keyName, seed, 0), now: parts.clock.now() }], [])
    return new Trail(parts, privateKeyOf(seed))
  }

  /** For `mayfly audit verify`: it comes from the broker, never from the file that it proves. PEM. */
  get checkpointKey(): string {
    return this.#publicKey.export({ type: 'spki', format: 'pem' })
  }

  get checkpointKeyId(): string {
    return this.#keyId
  }

  request(facts: Facts): string {
    return requestEntry(this.#now(), this.#describe(facts))
  }

  response(facts: Facts, answered: Answered): string {
    return responseEntry(this.#now(), this.#describe(facts), factsOf(answered), this.hash)
  }

  revocation(lease: Lease, outcome: RevokeOutcome): string {
    return revocationEntry(this.#now(), {
      ...this.#revoked(lease),
      outcome: outcome.kind,
      attempt: lease.failures + 1,
      why: outcome.kind === 'ended' ? outcome.waiting : outcome.kind === 'outlives' ? outcome.why : undefined,
      until: outcome.kind === 'outlives' ? outcome.until.toString() : undefined,
      error: outcome.kind === 'failed' ? this.errorText(outcome.error) : undefined
    })
  }

  forced(lease: Lease, by: string): string {
    return revocationEntry(this.#now(), { ...this.#revoked(lease), cause: 'force', outcome: 'forced', attempt: lease.failures + 1, by })
  }

  #revoked(lease: Lease) {
    const { name, visible, role, target, displayName } = lease
    return {
      leaseId: lease.id,
      cause: lease.cause ?? 'expired',
      name,
      visible,
      role,
      target,
      displayName,
      entityId: lease.entity,
      accessor: lease.accessor && this.hash(lease.accessor)
    }
  }

  circuit(state: 'opened' | 'closed', target: TargetId, waiting: number, error: string): string {
    return circuitEntry(this.#now(), { target, state, waiting, error })
  }

  task(run: ScheduledTask, error: string | null, did?: string): string {
    return taskEntry(this.#now(), { mount: run.mount, task: run.task, key: run.key, error, did })
  }

  key(change: KeyChange): string {
    return keyEntry(this.#now(), change)
  }

  unmounted(mount: MountRecord): string {
    return unmountEntry(this.#now(), mount)
  }

  reconciled(found: JsonObject): string {
    return reconciledEntry(this.#now(), found)
  }

  checkpoint(node: string, head: ChainHead): string {
    const checkpoint = { node, seq: head.seq, hash: head.hash, time: this.#now() }
    return checkpointEntry(checkpoint, this.#keyId, signCheckpoint(checkpoint, this.#privateKey))
  }

  /** What audit, lease rows and lists say of an error: never a driver's own words. */
  errorText(error: unknown): string {
    return errorText(error)
  }

  /** A refusal without an identity: counted, and written once a second. */
  countRefusal(remoteAddress: string): void {
    this.#refusals.add(remoteAddress)
  }

  /** A reading of what anybody may know, by nobody: the same. */
  countReading(remoteAddress: string): void {
    this.#readings.add(remoteAddress)
  }

  async writeCounts(): Promise<void> {
    const { store } = this.#parts
    await this.#refusals.written(all =>
      store.commit(
        [],
        all.map(one => countedEntry(this.#now(), one))
      )
    )
    await this.#readings.written(all =>
      store.commit(
        [],
        all.map(one => countedReadingEntry(this.#now(), one))
      )
    )
  }

  /** Written once for all entries of one moment. */
  #now(): string {
    const now = this.#parts.clock.now()
    if (now !== this.#moment) {
      this.#moment = now
      this.#momentText = now.toString()
    }
    return this.#momentText
  }

  #describe(facts: Facts): Described {
    const known = this.#described.get(facts)
    if (known) return known
    const described = describeRequest(askedOf(facts), this.hash)
    this.#described.set(facts, described)
    return described
  }
}

// RFC 8410: the DER of an Ed25519 private key is these sixteen bytes and the seed.
const pkcs8Front = Buffer.from('302e020100300506032b657004220420', 'hex')

function privateKeyOf(seed: string): KeyObject {
  return createPrivateKey({ key: Buffer.concat([pkcs8Front, Buffer.from(seed, 'base64')]), format: 'der', type: 'pkcs8' })
}

function askedOf({ request, token, mount, decision }: Facts): Asked {
  const auth = token && {
    accessor: token.accessor,
    displayName: token.displayName,
    policies: token.policies,
    metadata: token.meta,
    entityId: token.entity,
    tokenType: 'service',
    tokenTtl: token.creationTtl,
    tokenIssueTime: token.issuedAt.toString({ smallestUnit: 'second' }),
    uses: token.uses,
    decision
  }
  return {
    id: request.id,
    operation: request.operation === 'write' ? 'update' : request.operation,
    path: request.path,
    data: request.data,
    remoteAddress: request.remoteAddress,
    remotePort: request.remotePort,
    userAgent: request.userAgent,
    clientToken: request.token,
    wrapTtl: request.wrapSeconds,
    mount: mount && {
      path: mount.path,
      type: mount.type,
      accessor: mount.accessor,
      clearRequestKeys: mount.config.audit_non_hmac_request_keys,
      clearResponseKeys: mount.config.audit_non_hmac_response_keys
    },
    auth: auth ?? undefined
  }
}

function factsOf({ outcome: given, leaseId, issued, warnings, wrapInfo, error }: Answered): AnsweredFacts {
  const outcome = given && 'reply' in given ? given.reply : given
  const auth = outcome && 'auth' in outcome ? outcome.auth?.reveal() : undefined
  return {
    error: error === undefined ? undefined : saidOf(error),
    leaseId: leaseId ?? (outcome && 'lease' in outcome ? outcome.lease?.id : undefined),
    data: dataOf(outcome),
    wrapInfo: (wrapInfo ?? (outcome && 'wrapInfo' in outcome ? outcome.wrapInfo : undefined))?.reveal(),
    auth: auth && {
      clientToken: auth.client_token,
      accessor: auth.accessor,
      policies: auth.policies,
      metadata: auth.metadata,
      entityId: auth.entity_id,
      tokenType: auth.token_type,
      tokenTtl: auth.lease_duration,
      uses: auth.num_uses
    },
    issued,
    warnings: warnings ?? (outcome && 'warnings' in outcome ? outcome.warnings : undefined)
  }
}

/** As the caller was told, and for a login also why. */
function saidOf(error: unknown): string {
  if (error instanceof RefusedLogin) return `${error.message}: ${error.why}`
  return error instanceof BrokerError ? error.message.trim() : 'internal error'
}

function dataOf(outcome: object | undefined): unknown {
  if (!outcome) return undefined
  if ('data' in outcome) return outcome.data
  return 'keys' in outcome ? { keys: outcome.keys } : undefined
}

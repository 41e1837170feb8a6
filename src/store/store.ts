/** What the broker needs of its durable store. Written for two implementations: SQLite (one node) and PostgreSQL (several active nodes).
 *
 *  One write method: `commit`. A change is one *intention*, a whole conditional step ("begin this lease if its token and ancestors live and no open cascade covers
 *  it"), never a row edit; all changes of a call and their audit lines are one transaction, all or nothing. Implementations gather calls that wait into
 *  one group commit, each still all or nothing by itself. Epochs, claims and versions are conditions of the statements themselves.
 *
 *  Instants are whole milliseconds. Bytes that the core hands over are sealed already. */
import type { ChainHead } from '../audit/chain.ts'
import type { ErrorCode, LeaseId, TargetId } from '../contracts/index.ts'
import type { Lease, RevokeCause } from '../lease/lease.ts'
import type { Change, ResumeAs } from './change.ts'
import type { Token } from './token.ts'

export interface Store extends AsyncDisposable {
  /** This run of this node. A restart takes a new epoch; what was `issuing` under an older one is due at once (`takeOver`). */
  readonly node: { readonly id: string; readonly epoch: number }
  readonly kind: 'sqlite' | 'memory' | 'postgresql'
  /** Never resolves; rejects when the store cannot be trusted any more (an fsync or an I/O error on commit). The process must end then. */
  readonly fatal: Promise<never>

  /** One transaction. The audit bodies are chained in order: first each change's own (when it changed something), then `audit`. Resolves once durable.
   *  Rejects with `LostCondition` when a change's condition does not hold; then nothing of the call has happened. */
  commit(changes: readonly Change[], audit: readonly string[]): Promise<readonly ChangeResult[]>

  /** What is wrong with what is stored, in the store's own words; nothing when it is whole. Reads everything: seconds for each GB, and nobody waits for it. */
  inspect(signal: AbortSignal): Promise<readonly string[]>

  /** Group commits of this run, and the calls in them. For metrics. */
  readonly groups: { readonly groups: number; readonly calls: number }

  // seal and time
  /** The store's high-water mark of time: the latest `now` of any commit. */
  timeMark(): Promise<Temporal.Instant>
  readSeal(): Promise<SealRecord | undefined>
  whereabouts(): Promise<Whereabouts>
  /** The pass that is under way. */
  resealing(): Promise<Resealing | undefined>
  /** A page of at most `limit` rows behind `cursor` ('': from the first): those of them that are sealed under a key below `below`, and where the page ends; no `next`:
   *  there was no row. */
  sealedPage(
    table: SealedTable,
    cursor: string,
    below: number,
    limit: number
  ): Promise<{ readonly rows: readonly SealedRow[]; readonly next?: string }>

  // sealed rows
  entry(space: string, key: string): Promise<Entry | undefined>
  /** Keys that begin with `prefix`, in order. */
  keys(space: string, prefix: string, after: string, limit: number): Promise<readonly string[]>
  /** All rows of a small space (mounts, policies, audit devices), with the generation that they belong to. */
  entries(space: string): Promise<{ readonly generation: number; readonly entries: readonly (Entry & { readonly key: string })[] }>

  // tokens
  /** The token, if it and every ancestor live at `now` (one recursive read, depth at most 32), and the present generation of mounts and policies. */
  authenticate(hash: string, now: Temporal.Instant): Promise<{ readonly token: Token | undefined; readonly generation: number }>
  token(hash: string): Promise<Token | undefined>
  /** Of a token that has not ended. */
  tokenByAccessor(accessor: string): Promise<Token | undefined>
  /** Accessors of tokens that have not ended. */
  accessors(after: string, limit: number): Promise<readonly string[]>
  /** Tokens of an auth method that have not ended; counting stops at 10,000. */
  liveLogins(authMount: string): Promise<number>

  /** The reply that waits under this wrapping token. */
  wrapped(token: string): Promise<WrappedRow | undefined>

  // leases
  lease(id: LeaseId): Promise<Lease | undefined>
  recipe(id: string): Promise<Uint8Array | undefined>
  /** Ids of leases that are not revoked: those that begin with `prefix`, in order. */
  leaseIds(prefix: string, after: string, limit: number): Promise<readonly string[]>
  /** One level below `prefix`: ids, and `segment/` for what lies deeper. Skips from segment to segment, never scans what lies below. */
  leaseLevel(prefix: string, after: string, limit: number): Promise<readonly string[]>
  /** Who holds what: leases not revoked, oldest first, filtered by equality. */
  holdings(filter: HoldingsFilter, after: string, limit: number): Promise<readonly Lease[]>
  /** Revoking, not ended, failed `stuckAfterFailures` times by itself, or at a target that has failed since before `targetFailedSince`. */
  stuck(
    targetFailedSince: Temporal.Instant,
    limit: number
  ): Promise<{ readonly leases: readonly Lease[]; readonly counts: Readonly<Record<string, number>> }>
  /** Leases by mount and state, from rows that the transactions keep. */
  leaseCounts(): Promise<readonly { readonly mount: string; readonly state: Lease['state']; readonly count: number }[]>
  liveLeases(target: TargetId): Promise<number>
  /** Leases that begin with `prefix` whose access is not over, and not only because their target lets them live until a time of its own; counting stops at 10,000. */
  liveBelow(prefix: string): Promise<number>
  /** Leases of a mount that are not revoked, those whose access is over but whose clean-up waits included; counting stops at 10,000. */
  liveAtMount(mount: string): Promise<number>
  /** Of these names, those that a lease that is not revoked carries. A lease ended by force is revoked: its object is still reported. For the reconciler. */
  knownNames(names: readonly string[]): Promise<ReadonlySet<string>>
  /** Leases of a mount that were made for this subject and are not revoked, the oldest first. */
  leasesOf(mount: string, subject: string, after: LeaseId | '', limit: number): Promise<readonly Lease[]>
  /** Every lease, history included, that carries one of these names. */
  leasesNamed(names: readonly string[]): Promise<readonly Lease[]>
  /** Leases of a target that are active and meant to stay so, in the order of their ends. One that is renewed meanwhile may come twice, or not at all when it was shortened. */
  activeLeases(target: TargetId, after: LeaseAt | undefined, limit: number): Promise<readonly (LeaseAt & ActiveLease)[]>
  /** The names alone of those of them that were promised until `until`, in the same order. Made for walks through a million: it keeps nothing and costs others next to nothing. */
  activeNames(
    target: TargetId,
    until: Temporal.Instant,
    after: LeaseAt | undefined,
    limit: number
  ): Promise<{ readonly names: readonly string[]; readonly next?: LeaseAt }>

  // the sweeper's questions
  /** Targets with a lease due at or before `now`, whose own retry time has passed; and the next moment at which anything becomes due. No tasks of
   *  `crowded` mounts, which have enough under way. */
  dueWork(now: Temporal.Instant, crowded?: readonly string[]): Promise<DueWork>
  target(id: TargetId): Promise<Target | undefined>
  /** Whether a lease of this target is to be revoked at or before `now`. */
  isDue(target: TargetId, now: Temporal.Instant): Promise<boolean>
  /** At most `limit` targets, those with the most live leases first. For metrics. */
  targetLoads(now: Temporal.Instant, limit: number): Promise<readonly TargetLoad[]>
  targets(): Promise<readonly Target[]>
  cascade(id: number): Promise<Cascade | undefined>

  // backup
  /** The whole store as it is at one moment, while it goes on. `invalid_request` when there is no room for it, and in memory. */
  snapshot(): Promise<StoreSnapshot>

  // audit
  chainHead(): Promise<ChainHead>
  /** At most `limit`, and none more once `auditCharsMax` is passed. */
  auditLines(after: number, limit: number): Promise<readonly { readonly seq: number; readonly line: string }[]>
  cursor(sink: string): Promise<number>
}

/** Where an answer of `auditLines` ends. One request with two thousand long names makes two lines of a megabyte, and thousands of them at once would be all of the memory. */
export const auditCharsMax = 16_777_216

/** A place in the order of `activeLeases`. */
export interface LeaseAt {
  readonly readyAt: number
  readonly number: number
}

export interface ActiveLease {
  readonly id: LeaseId
  readonly name: string
}

export interface SealRecord {
  readonly kind: string
  /** Shares, threshold, key id: what the seal needs to know before it can unseal. In clear. */
  readonly config: string
  readonly rootKey: Uint8Array
  readonly keyring: Uint8Array
  readonly instance: string
}

/** Tables with sealed values. A value names its key: a format byte, then four bytes of key id, the highest first. Id 0 is no key of the keyring. */
export const sealedTables = ['entry', 'recipe', 'task', 'lease'] as const

export type SealedTable = (typeof sealedTables)[number]

/** `keys`: of an entry space and key, of a task mount, name and key, of the others the id. */
export interface SealedRow {
  readonly keys: readonly string[]
  readonly value: Uint8Array
}

/** How far a pass has come. */
export interface Resealing {
  readonly below: number
  readonly table: SealedTable
  readonly cursor: string
  readonly resealed: number
  /** Rows that do not open, and stay as they are. */
  readonly unreadable: number
  readonly begunAt: Temporal.Instant
}

/** Whether the store is where it was. */
export interface Whereabouts {
  /** It is not, and only reads until an operator resumes it: every commit that is more than a record rejects with `held`. */
  readonly held?: { readonly cause: string; readonly since: Temporal.Instant; readonly resuming?: ResumeAs }
  /** Of a copy that was resumed: the instance that it is since, in the place of the seal's. */
  readonly instance?: string
}

export interface StoreSnapshot extends AsyncDisposable {
  readonly facts: {
    readonly bytes: number
    readonly schema: number
    /** Of the store's heartbeat: counts up. */
    readonly beat: number
    readonly node: string
    readonly head: ChainHead
    readonly time: Temporal.Instant
    readonly seal: SealRecord
  }
  /** Its bytes, once, of at most so many each. What is sealed in the store is sealed in them; the rest is in clear. */
  chunks(bytes: number): AsyncIterable<Uint8Array>
}

export interface Entry {
  readonly value: Uint8Array
  readonly version: number
  /** How often it may still be used; 0 where nobody counts. */
  readonly uses: number
}

export interface WrappedRow {
  /** Sealed under a key that only the wrapping token gives. */
  readonly reply: Uint8Array
  /** What it hands over for the first time: a lease, or a token by its hash. */
  readonly lease: LeaseId | null
  readonly inner: string | null
}

export interface HoldingsFilter {
  readonly accessor?: string
  readonly displayName?: string
  readonly entity?: string
  readonly target?: string
  readonly mount?: string
  readonly role?: string
  /** History too: leases that have ended. */
  readonly ended?: boolean
}

/** A target's own row: fairness, back-off and circuit. */
export interface Target {
  readonly id: TargetId
  readonly mount: string
  readonly credential: string
  readonly retired: boolean
  readonly failures: number
  readonly retryAt: Temporal.Instant | null
  readonly failingSince: Temporal.Instant | null
  readonly lastError: string | null
}

export interface TargetLoad {
  readonly id: TargetId
  /** Leases that are not revoked. */
  readonly live: number
  /** Those to be revoked now; counting stops at 10,000. */
  readonly due: number
  /** Since when the first of them waits. */
  readonly oldestDue: Temporal.Instant | null
  readonly failing: boolean
}

export interface DueWork {
  /** Each with the due leases' earliest moment, the longest due first. A lease that is claimed is due again when its claim is over. */
  readonly targets: readonly { readonly target: Target; readonly dueAt: Temporal.Instant }[]
  readonly cascades: readonly Cascade[]
  readonly tasks: readonly ScheduledTask[]
  /** Whether any token has expired and is not ended yet. */
  readonly expiredTokens: boolean
  /** The next moment after `now` at which one of these becomes due; `null` when nothing waits. */
  readonly next: Temporal.Instant | null
}

/** One durable row that ends many leases. */
export interface Cascade {
  readonly id: number
  readonly kind: 'token' | 'prefix' | 'mount' | 'auth' | 'subject' | 'holder'
  /** Token hash, prefix of lease ids, or uuid of a mount; the last and a subject, how a holder is named, a mount or nothing, and the name, a line each. */
  readonly selector: string
  readonly cause: RevokeCause
  /** A lease id or token hash that the work has reached. */
  readonly cursor: string
  readonly by: string
}

export interface ScheduledTask {
  readonly mount: string
  readonly task: string
  readonly key: string
  readonly dueAt: Temporal.Instant
  readonly version: number
  /** In a row. */
  readonly failures: number
  readonly lastError: string | null
  /** Sealed. */
  readonly intent: Uint8Array
}

/** What a change tells: a number of rows, a number reserved, the leases claimed. `applied` is false when an optional change found its condition gone. */
export interface ChangeResult {
  readonly applied: boolean
  readonly count?: number
  readonly leases?: readonly Lease[]
  /** The token's row after a use, or after its end. */
  readonly token?: Token
  /** A cascade that was worked on is still open. */
  readonly more?: boolean
  /** The cascade that was opened. It is gone from `Store.cascade` once everything that it selects is due. */
  readonly cascade?: number
}

/** A condition of a commit did not hold: nothing has happened. `code` and `message` are for the caller. */
export class LostCondition extends Error {
  readonly code: ErrorCode
  /** Which change of the call. */
  readonly change: Change['kind']

  constructor(change: Change['kind'], code: ErrorCode, message: string) {
    super(message)
    this.name = 'LostCondition'
    this.change = change
    this.code = code
  }
}

export function heldSentence(cause: string): string {
  return `the store is held (${cause}) and only reads, until an operator runs "mayfly operator resume --restored" when it takes the place of the original, or "mayfly operator resume --copy" when the original lives on`
}

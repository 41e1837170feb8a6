/** What a plugin author reads first. The words:
 *
 *  backend     a plugin mounted at a path, which issues credentials of one family
 *  target      what a backend reaches with one version of one set of settings; it has an immutable id, in clear
 *  handle      what is needed to end a credential (a user name); chosen before the effect, stored sealed, never the secret
 *  recipe      what issue and revoke were told by role and connection at that moment; frozen with the lease
 *  order       what issuing needs and revoking does not; never stored
 *  task        durable work that is no lease: an intent with a due time
 *
 *  A backend only *plans* an issuance. The broker performs it, because it owns the order: promise (a durable lease), effect, activation.
 *  `plugins/memory` is the smallest true backend, and `backendContract` of `mayfly/testing` is the suite that proves one. */
import type { LeaseId, TargetId } from './brand.ts'
import type { Clock, Random } from './clock.ts'
import type { PluginCommand } from './command.ts'
import type { DatabaseDriver } from './database-driver.ts'
import type { Json, JsonObject } from './json.ts'
import type { Log } from './log.ts'
import type { Path } from './path.ts'
import type { Secret } from './secret.ts'
import type { MountReader, MountStorage } from './storage.ts'

/** What a plugin module exports, as `plugin`. */
export interface Plugin {
  readonly name: string
  readonly backends?: readonly BackendType[]
  readonly databaseDrivers?: readonly DatabaseDriver[]
  /** What the command line takes in from a built-in plugin: `mayfly psql`. */
  readonly commands?: readonly PluginCommand[]
}

/** A kind of backend, by the name that `sys/mounts` calls `type`. `open` is called once per mount; it reaches no target. */
export interface BackendType {
  readonly type: string
  open(context: BackendContext): Promise<Backend>
}

export interface BackendContext {
  readonly mount: { readonly path: string; readonly uuid: string; readonly accessor: string }
  /** The broker's own id: part of the mark on every object that it makes. */
  readonly instance: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** The mount's sealed rows as they are now. A credential call reads its target's settings here, each time. */
  readonly storage: MountReader
  /** The mount's leases. */
  readonly leases: MountLeases
  /** How a target does. */
  health(target: TargetId): Promise<TargetHealth>
  /** Leases at a target that are not revoked yet, those being issued included. */
  liveLeases(target: TargetId): Promise<number>
  /** A keyed hash that only this broker can compute, for marks on objects. */
  mac(data: string): Uint8Array
  /** A password by the operator's policy of that name (`sys/policies/password`) as it is now; `""` is the broker's own rule. Throws `invalid_request` when there is
   *  no such policy. */
  generatePassword(policy: string): Promise<Secret<string>>
  /** The operator's word on targets: `verified` refuses every connection without verified TLS. */
  readonly targetTls: 'any' | 'verified'
  /** And on addresses beyond those that are known to be a target's (`https://HOST`, `http://HOST:PORT`): an operator of a mount may choose among these and no others. */
  readonly targetEndpoints: readonly string[]
  readonly databaseDrivers: readonly DatabaseDriver[]
}

/** Leases of this mount, as committed. */
export interface MountLeases {
  /** Those that were issued under these names, history included, in no order; at most 500 names. One probe of an index each: fit for every login of a target. */
  named(names: readonly string[]): Promise<readonly MountLease[]>
  /** Those that were made for this subject and are not revoked, the oldest first: at most `limit` (500) after the one named. */
  bySubject(subject: string, after?: LeaseId, limit?: number): Promise<readonly MountLease[]>
}

export interface MountLease {
  readonly id: LeaseId
  readonly name: string
  /** `active` gives access. From the moment on at which somebody asks for its end, or its time is over, it is `revoking`. */
  readonly state: 'issuing' | 'active' | 'revoking' | 'revoked'
  readonly until: Temporal.Instant
  readonly path: string
  readonly role: string
  readonly visible: Readonly<Record<string, string>>
  readonly displayName: string
  readonly subject?: string
}

/** How a target does: what its row says, which outlives a restart, and what this run of the broker has seen of it. */
export interface TargetHealth {
  /** `unknown`: nothing was asked of it since the broker started. */
  readonly state: 'unknown' | 'answers' | 'fails'
  /** Revocations that failed there as a whole, in a row. While this is above 0 the circuit is open: nothing is issued there before `retryAt`. */
  readonly failures: number
  readonly failingSince?: Temporal.Instant
  readonly retryAt?: Temporal.Instant
  /** A sentence of ours, never a driver's own words. */
  readonly lastError?: string
  readonly lastErrorAt?: Temporal.Instant
  readonly lastAnswerAt?: Temporal.Instant
  /** Of its latest calls, the last weighing most. */
  readonly latencyMs?: number
}

export interface Backend extends AsyncDisposable {
  /** Routing, validation, help and OpenAPI come from this table. */
  readonly paths: readonly Path[]
  /** By the name that `Issuance.credential` uses and every lease row keeps: never rename one. */
  readonly credentials: Readonly<Record<string, CredentialType>>
  readonly tasks?: Readonly<Record<string, Task>>
  /** Its targets that can be listed, those included where nothing was issued yet: a store that was restored does not know all that was. */
  targets?(): Promise<readonly { readonly id: TargetId; readonly credential: string }[]>
}

/** What an operation answers. `undefined`: a read finds nothing (404), a write says nothing (204). An empty `keys` is a 404 on the wire.
 *  `issue` is performed by the broker. */
export type Answer =
  | { readonly data: JsonObject; readonly warnings?: readonly string[] }
  | { readonly keys: readonly string[]; readonly keyInfo?: JsonObject }
  | { readonly warnings: readonly string[] }
  | { readonly issue: Issuance }
  | { readonly after: TaskWait }
  | EndingAnswer
  /** Bytes as they are. With `etag` (visible ASCII without quotes, new with every change): who has them already is answered 304. */
  | { readonly raw: Uint8Array; readonly type: string; readonly etag?: string }
  | undefined

/** Ends leases of this mount: they are due in one commit with what the handler wrote and the audit, the sweeper ends them, and the caller hears of it as from `sys/leases/revoke`: nothing said (204), or
 *  what `answer` then says; 400 when they are not over in 20 s, and revoking goes on. What is not there needs no end. */
export interface EndingAnswer {
  readonly revoke: LeasesToEnd
  readonly answer?: () => Promise<Said>
}

/** At most 500 names, as issued. Of a subject everything: it is worked off in batches, and nothing is issued for it meanwhile. */
export type LeasesToEnd = { readonly subject: string } | { readonly names: readonly string[] }

/** What is said after something else was done. */
type Said = Exclude<Answer, { issue: unknown } | { after: unknown } | { revoke: unknown }>

/** A request that is answered once a task has run: a rotation by hand. The request never runs the effect itself. Its handler schedules the task, due now, and answers
 *  this; the broker commits (the promise), wakes the sweeper, waits for the outcome of the run, and asks `answer` what to say of it. */
export interface TaskWait {
  /** Key of `Backend.tasks`. */
  readonly task: string
  /** As given to `schedule`. */
  readonly key: string
  /** How long the caller waits, at most; 20 s unless said, and never more. The task goes on all the same. */
  readonly waitMsMax?: number
  /** What the caller is told. It reads rows as committed, writes none, and throws a `BrokerError` for what failed. `undefined`: no run ended in time. */
  answer(settled: TaskSettled | undefined): Promise<Said>
}

/** How a run of a task ended, once that is committed. `error`: a sentence that the caller may read. `over`: it does not run again by itself. */
export type TaskSettled = { readonly kind: 'done' } | { readonly kind: 'failed'; readonly error: string; readonly over?: boolean }

/** A plan: nothing has touched the target yet. */
export interface Issuance {
  /** Key of `Backend.credentials`. */
  readonly credential: string
  readonly target: TargetId
  readonly role: string
  readonly roleVersion: number
  readonly recipe: Json
  readonly handle: Json
  readonly order?: Json
  /** The name of what will be created, unique for ever in the whole broker, other mounts and history included: a number of one mount is none. */
  readonly name: string
  /** The public part of the credential, in clear in lease and audit (`{ username }`). */
  readonly visible: Readonly<Record<string, string>>
  /** What the credential is made for, where several may be made for the same: a key's fingerprint. In clear; all its leases are found, and ended, by it. */
  readonly subject?: string
  /** Whole seconds; 0 = the role names none. */
  readonly ttl: number
  readonly maxTtl: number
  readonly renewable: boolean
  /** The lease stays when its token ends; it still ends by its own time, by prefix, by mount and by hand. Only so an open path may issue to a caller without a token. */
  readonly outlivesToken?: boolean
  readonly guarantees: Guarantees
  readonly warnings?: readonly string[]
}

/** Computed from what this very target can do, frozen with the lease, shown to the caller: in the lease's lookup always, and as warnings of the reply where something is weak. */
export interface Guarantees {
  readonly revocable: 'at once' | 'eventually' | 'never'
  readonly endsSessions: boolean
  /** The target refuses the credential after its expiry although no broker runs. */
  readonly diesByItself: boolean
  readonly listable: boolean
  readonly observable: 'every login' | 'sampled' | 'no'
  /** Where something is weaker than a reader would assume. */
  readonly notes?: readonly string[]
}

/** One way in, `issue` or `mint`, and one way out. */
export type CredentialType<Handle extends Json = Json> = CredentialLife<Handle> & (IssuingType<Handle> | MintingType<Handle>)

/** Made in the target: a user, an access key. */
export interface IssuingType<Handle extends Json = Json> {
  /** Creates disabled, enables last. Nothing may take effect after `createBy`, by the target's own clock where it has one. An error, a timeout, an
   *  aborted signal: the broker takes it as "maybe created" and revokes. `target_refused` says that nothing was made; it is revoked all the same. */
  issue(call: IssueCall<Handle>, signal: AbortSignal): Promise<Issued<Handle>>
  readonly mint?: never
}

/** Made by a signature in this process: a certificate. */
export interface MintingType<Handle extends Json = Json> {
  /** Makes the credential here and touches nothing outside: it takes effect only by leaving with the reply. So promise and activation are one commit, after `mint`
   *  and before the reply. An error, a crash or a lost condition between the two leaves nothing: the credential never left, there is no lease, and nothing is revoked.
   *  What must not come twice (a serial) is reserved while planning. It waits for nobody: no target, no row. */
  mint(call: IssueCall<Handle>): Promise<Issued<Handle>>
  readonly issue?: never
}

export interface CredentialLife<Handle extends Json = Json> {
  /** Moves the target's own expiry. The broker commits the lease's new time afterwards. Rejects when the credential is gone. */
  renew?(call: RenewCall<Handle>, signal: AbortSignal): Promise<void>
  /** Disable, end sessions, remove, verify. Idempotent, in batches, one outcome per lease in the same order. Rejects only when the target failed as a
   *  whole: then its row backs off and no lease is charged. */
  revoke(call: RevokeCall<Handle>, signal: AbortSignal): Promise<readonly RevokeOutcome[]>
  /** The target's clock: the second source that keeps one wrong host clock from ending credentials early. */
  now?(target: TargetId, signal: AbortSignal): Promise<Temporal.Instant>
  /** Everything in the target that carries this broker's mark, and whatever else looks as if it were of a broker. Nothing is held between two of them. */
  list?(target: TargetId, signal: AbortSignal): AsyncIterable<Found>
  /** Asks the target whether these were used: on a schedule, for live leases, a page at a time, one answer per handle in the same order; `null` says that it cannot tell. Changes nothing.
   *  Rejects when the target failed as a whole: it is left alone for a while. */
  observe?(target: TargetId, handles: readonly Handle[], signal: AbortSignal): Promise<readonly (Usage | null)[]>
}

export interface IssueCall<Handle extends Json = Json> {
  readonly lease: LeaseId
  readonly target: TargetId
  readonly recipe: Json
  readonly handle: Handle
  readonly order: Json
  readonly createBy: Temporal.Instant
  readonly until: Temporal.Instant
}

export interface Issued<Handle extends Json = Json> {
  /** What the reply's `data` holds: the secret, and the public part beside it. */
  readonly secret: Secret<JsonObject>
  /** The handle, completed by what only the target knows (an OID). */
  readonly handle: Handle
  /** What may be kept in clear beside what was planned, and only the target could tell: the id of an access key. */
  readonly visible?: Readonly<Record<string, string>>
  /** Where the target decides how long the credential lives. */
  readonly until?: Temporal.Instant
  readonly warnings?: readonly string[]
  /** What the caller waits for, at most 30 s, when the lease is active and no place at the target is taken any more: that the target knows the credential everywhere. It makes
   *  nothing. Answers warnings; where it rejects, the reply leaves without. */
  afterwards?(signal: AbortSignal): Promise<readonly string[]>
}

export interface RenewCall<Handle extends Json = Json> {
  readonly lease: LeaseId
  readonly target: TargetId
  readonly recipe: Json
  readonly handle: Handle
  readonly until: Temporal.Instant
}

/** All leases of one call have one target and one recipe. */
export interface RevokeCall<Handle extends Json = Json> {
  readonly target: TargetId
  readonly recipe: Json
  readonly leases: readonly RevokedLease<Handle>[]
  /** What is put, removed, taken or scheduled here is committed together with the outcomes, or not at all: where to end means to publish (a serial on a list of
   *  the revoked), a crash loses neither. When a condition is lost, or `revoke` rejects, nothing of it is kept, and the leases come again. */
  readonly storage: MountStorage
}

export interface RevokedLease<Handle extends Json = Json> {
  readonly lease: LeaseId
  readonly handle: Handle
  /** Present while the lease was never active. Absent before `createBy` plus the longest server-side timeout is `ended` with `again` at that moment,
   *  because an open transaction may still commit; afterwards it is `gone`. */
  readonly createBy?: Temporal.Instant
}

export type RevokeOutcome =
  /** Proven, for exactly this identity, that it no longer gives access and is no longer there. */
  | { readonly kind: 'gone' }
  /** No login and no session; proof or clean-up is pending. No failure. */
  | { readonly kind: 'ended'; readonly again: Temporal.Instant; readonly waiting: string }
  /** May still give access, at the latest until then. Stays revoking; no failure, and nobody waits for it: the caller is told `until` and `why`. It is looked at again at `again` (within a day),
   *  and closed once `until` has passed. */
  | { readonly kind: 'outlives'; readonly until: Temporal.Instant; readonly again: Temporal.Instant; readonly why: string }
  /** This lease alone failed; only this counts as stuck. */
  | { readonly kind: 'failed'; readonly error: unknown }

/** An object in the target that carries this broker's mark, or looks as if it should. */
export interface Found {
  /** The `Issuance.name` it was made under. */
  readonly name: string
  readonly enabled: boolean
  /** Absent: ours, proven for this very object. `missing`: a name like ours without a mark, or with one that is not for this object. `foreign`: another broker's. What is not ours is
   *  never touched. */
  readonly marked?: 'ours' | 'missing' | 'foreign'
  /** Of what is ours, as `revoke` wants it: what is found without a lease is given one, and that ends it. Absent: it can only be reported. */
  readonly handle?: Json
  /** What `revoke` is then told; `null` when absent. */
  readonly recipe?: Json
  /** The random part of the lease that it was made for, where the mark tells. */
  readonly leasePart?: string
  /** When the target itself ends it, as `issue` and `renew` were told. */
  readonly until?: Temporal.Instant
  readonly note?: string
}

/** What a target tells of the use of one credential. What is not said stays as it was. */
export interface Usage {
  readonly firstSeen?: Temporal.Instant
  readonly lastSeen?: Temporal.Instant
  /** How often in all, where the target counts. Where it does not, each look that finds a later `lastSeen` counts one. */
  readonly uses?: number
  /** Addresses, or what the target tells in their place: a region and a service. */
  readonly from?: readonly string[]
}

/** Durable work of a backend that is no lease. Run by the sweeper when due, never twice at a time, idempotent: a crash runs it again with the same intent. What it writes
 *  to `storage`, its audit entry and its next due time are one commit after it; so a promise that must be durable before an effect is written by the request
 *  that schedules it, or by a run of its own that asks for another with `again`. One that rejects runs again with back-off, for ever, and what it wrote is not kept. */
export interface Task {
  run(intent: Json, storage: MountStorage, signal: AbortSignal): Promise<TaskOutcome>
}
/** `did`: what happened, in two or three words for the audit (`rotated`). `why`: what keeps it from being done, in words; it counts as a failure. */
export type TaskOutcome =
  | { readonly done: true; readonly did?: string; readonly why?: string }
  | { readonly again: Temporal.Instant; readonly did?: string; readonly why?: string }

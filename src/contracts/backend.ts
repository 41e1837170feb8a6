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
import type { TargetId } from './brand.ts'
import type { Clock, Random } from './clock.ts'
import type { PluginCommand } from './command.ts'
import type { CredentialType, Guarantees } from './credential.ts'
import type { DatabaseDriver } from './database-driver.ts'
import type { Json, JsonObject } from './json.ts'
import type { Log } from './log.ts'
import type { MountLeases } from './mount-leases.ts'
import type { TargetHealth } from './target-health.ts'
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
  /** Of the mount as it is tuned now, in seconds: nothing that it issues lives longer than `maxTtl`. */
  ttls(): { readonly defaultTtl: number; readonly maxTtl: number }
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
  /** Whole seconds; the target makes none that lives shorter. Where token or mount leave less it is refused before anything is promised. */
  readonly ttlMin?: number
  readonly renewable: boolean
  /** The lease stays when its token ends; it still ends by its own time, by prefix, by mount and by hand. Only so an open path may issue to a caller without a token. */
  readonly outlivesToken?: boolean
  readonly guarantees: Guarantees
  readonly warnings?: readonly string[]
}

/** Durable work of a backend that is no lease. Run by the sweeper when due, never twice at a time, idempotent: a crash runs it again with the same intent. What it writes
 *  to `storage`, its audit entry and its next due time are one commit after it; so a promise that must be durable before an effect is written by the request
 *  that schedules it, or by a run of its own that asks for another with `again`. One that rejects runs again with back-off, for ever, and what it wrote is not kept. */
export interface Task {
  /** What it writes is what revocations wait for: a list of the revoked. It is written also where the disk is full and whatever ends no access is refused. */
  readonly endsAccess?: true
  run(intent: Json, storage: MountStorage, signal: AbortSignal): Promise<TaskOutcome>
}
/** `did`: what happened, in two or three words for the audit (`rotated`). `why`: what keeps it from being done, in words; it counts as a failure. */
export type TaskOutcome =
  | { readonly done: true; readonly did?: string; readonly why?: string }
  | { readonly again: Temporal.Instant; readonly did?: string; readonly why?: string }

/** A kind of credential: how it is made, renewed and ended, and what its target tells of it. */
import type { LeaseId, TargetId } from './brand.ts'
import type { Json, JsonObject } from './json.ts'
import type { Secret } from './secret.ts'
import type { MountStorage } from './storage.ts'

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

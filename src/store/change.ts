import type { LeaseId, Sighting, TargetId, Usage } from '../contracts/index.ts'
import type { Lease, RevokeCause } from '../lease/lease.ts'
import type { SealRecord, SealedTable } from './store.ts'
import type { Token } from './token.ts'

/** Everything that can be committed. `audit` bodies of a change are chained only when it changed something. Unless said otherwise a lost condition fails the
 *  whole commit with `LostCondition`.
 *
 *  `now` is the broker's time at the call: it also lifts the store's high-water mark. */
export type Change = { readonly now: Temporal.Instant; readonly audit?: readonly string[] } & Intention

export type Intention =
  // seal
  /** Once in a store's life; else `invalid_request` `Vault is already initialized`. */
  | { readonly kind: 'seal.initialise'; readonly record: SealRecord }
  /** `expected`: the wrapped root key, or the keyring, that must be there; lost (`conflict`) when it is another. Absent: whatever is. */
  | { readonly kind: 'seal.rekey'; readonly rootKey: Uint8Array; readonly config: string; readonly expected?: Uint8Array }
  | { readonly kind: 'seal.keyring'; readonly keyring: Uint8Array; readonly expected?: Uint8Array }

  // sealing anew
  /** A pass begins after which no row names a key below `below`. From this commit on, for ever, no change may bring in a value sealed under such a key: lost (`conflict`).
   *  Optional: `applied` false while a pass is under way. */
  | { readonly kind: 'reseal.begin'; readonly below: number }
  /** Rows sealed anew, each only where the old value is still there; versions stay, because the content does. The pass has come to `cursor` of `table`. Lost (`conflict`)
   *  unless this pass is under way. `count` of rows. */
  | {
      readonly kind: 'reseal.rows'
      readonly below: number
      readonly table: SealedTable
      readonly cursor: string
      readonly unreadable: number
      readonly rows: readonly ResealedRow[]
    }
  /** Lost (`conflict`) unless this pass is under way. */
  | { readonly kind: 'reseal.end'; readonly below: number }

  // held stores: what else passes while a store is held tells `sqlite/held.ts`
  /** How it is resumed; from here on it can be resumed in no other way. Lost (`invalid_request`) when it is not held, or was begun the other way. Idempotent. */
  | { readonly kind: 'held.begin'; readonly as: ResumeAs }
  /** Of a copy: at most `limit` leases that are not revoked become history, `revoked_at` empty, cause `foreign`: they are the original's. Lost (`invalid_request`) unless it is being
   *  resumed so: what it has issued since is its own. `count`. */
  | { readonly kind: 'held.setAside'; readonly limit: number }
  /** Held no longer. Numbers that the other store may have given out meanwhile are skipped; what waits wrapped may have been opened there, and does not open
   *  here; counted rows (`uses`) are removed. Of a copy: `instance` is its own from now on, scheduled tasks of the mounts in `tasksOf` go (their `count`); lost (`invalid_request`) while leases
   *  are not set aside. */
  | { readonly kind: 'held.lift'; readonly as: ResumeAs; readonly instance?: string; readonly tasksOf?: readonly string[] }

  // sealed rows
  /** `expected`: the version that must be there, 0 = none; absent = whatever. `uses` sets how often the row may be used; absent, the count stays. Versions only grow, also over a removal. Lost (`invalid_request`) in the space of a mount that was dropped. Spaces named in `watched` raise the generation that `authenticate` tells. */
  | {
      readonly kind: 'entry.put'
      readonly space: string
      readonly key: string
      readonly value: Uint8Array
      readonly expected?: number
      readonly uses?: number
    }
  /** Idempotent without `expected`. */
  | { readonly kind: 'entry.remove'; readonly space: string; readonly key: string; readonly expected?: number }
  /** Single use: lost (`conflict`) unless the row is there. */
  | { readonly kind: 'entry.take'; readonly space: string; readonly key: string }
  /** One use of a row of which more than one is left, by one conditional statement; else lost (`conflict`). The last one is taken with the row. */
  | { readonly kind: 'entry.spend'; readonly space: string; readonly key: string }
  /** Changes nothing: lost (`conflict`) unless the row still has this version. */
  | { readonly kind: 'entry.expect'; readonly space: string; readonly key: string; readonly version: number }
  /** At most `limit` rows of a space go: before the whole of one that may be large is dropped in one step. `count`. */
  | { readonly kind: 'space.thin'; readonly space: string; readonly limit: number }
  /** All rows of a mount's space, its tasks and retired targets; lost (`invalid_request`, with their number) while leases of the mount are not revoked. */
  | { readonly kind: 'space.drop'; readonly space: string; readonly mount: string }
  /** `count` of the result is the first of `count` consecutive numbers. */
  | { readonly kind: 'sequence.reserve'; readonly space: string; readonly sequence: string; readonly count: number }

  // tasks
  | {
      readonly kind: 'task.schedule'
      readonly mount: string
      readonly task: string
      readonly key: string
      readonly dueAt: Temporal.Instant
      readonly intent: Uint8Array
    }
  | { readonly kind: 'task.unschedule'; readonly mount: string; readonly task: string; readonly key: string }
  /** A run ended: done, or again at `again`. Optional: `applied` false when the task was scheduled anew meanwhile. `endsAccess`: what it wrote is what revocations wait for. */
  | {
      readonly kind: 'task.settle'
      readonly endsAccess?: true
      readonly mount: string
      readonly task: string
      readonly key: string
      readonly version: number
      readonly again: Temporal.Instant | null
      readonly error: string | null
    }

  // targets
  /** Lost (`invalid_request`, with their number) while leases there are not revoked. */
  | { readonly kind: 'target.retire'; readonly target: TargetId }
  /** The target failed as a whole: back off, open the circuit at the first failure. Claims of this node on its leases are given back, none is charged. */
  | {
      readonly kind: 'target.failed'
      readonly target: TargetId
      readonly retryAt: Temporal.Instant
      readonly error: string
      readonly leases: readonly ClaimedLease[]
    }
  /** It answered again: everything that waits for it is due at once. Optional: `applied` only when it was failing; `count` = leases that waited. */
  | { readonly kind: 'target.recovered'; readonly target: TargetId }

  // tokens
  /** Lost (`permission_denied`) unless the parent and its ancestors live, and the auth method of a login is not ending; (`invalid_request`) when deeper than `tokenDepthMax` or the hash is taken. */
  | { readonly kind: 'token.create'; readonly token: Token }
  /** Takes one use of a token that counts them, by one conditional statement. Lost (`permission_denied`) when none is left. The last use ends the token: its
   *  tree becomes unusable and its cascade is opened in this commit, though this request goes on. Result: `token` after it. */
  | { readonly kind: 'token.use'; readonly hash: string }
  /** Lost (`permission_denied`) when it has ended or expired meanwhile. */
  | { readonly kind: 'token.renew'; readonly hash: string; readonly expiresAt: Temporal.Instant }
  /** Unusable at once with everything below (ancestor check), a cascade opened for their leases. `orphan`: children become orphans, its own leases still end.
   *  Idempotent; `applied` tells whether it was alive. */
  | { readonly kind: 'token.end'; readonly hash: string; readonly cause: RevokeCause; readonly orphan?: boolean; readonly by: string }
  /** At most `limit` tokens whose time is over end, each with its cascade (only where something hangs on it). `count` of them; fewer than there are where much waited wrapped. */
  | { readonly kind: 'tokens.expire'; readonly limit: number }

  /** A condition and no change. Lost (`permission_denied`) unless the token and its ancestors live. */
  | { readonly kind: 'token.require'; readonly hash: string }

  // response wrapping
  /** A reply that waits for its one opening, under a wrapping token made in the same commit. `lease` and `inner` (a token's hash): what it hands over for the first time. They
   *  end, as `not-unwrapped`, in the very commit that ends the wrapping token unopened, whatever ends it. Lost (`permission_denied`) when it has ended. */
  | {
      readonly kind: 'wrapping.put'
      readonly token: string
      /** Sealed under a key that only the wrapping token gives. */
      readonly reply: Uint8Array
      readonly lease: LeaseId | null
      readonly inner: string | null
    }
  /** The one opening, by one conditional statement: the token ends, the reply goes, what it hands over lives on. Lost (`invalid_wrapping_token`) unless it still waits. */
  | { readonly kind: 'wrapping.open'; readonly token: string; readonly lease: LeaseId | null; readonly inner: string | null }

  // leases
  /** The promise; of what is made in this process also its activation: it begins active. Lost: `permission_denied` when the token or an ancestor is gone; `invalid_request` when an open cascade covers the lease, the mount is ending or
   *  the target retired; `conflict` when the name was ever used. Row of the target made when new; recipe stored once by its id. */
  | { readonly kind: 'lease.begin'; readonly lease: Lease; readonly recipe: Uint8Array }
  /** issuing -> active, with the completed handle and final times. Lost (`permission_denied`, `invalid_request`) for the reasons of `lease.begin`, or (`conflict`) when it
   *  is no longer issuing under this epoch at that version. */
  | {
      readonly kind: 'lease.activate'
      readonly id: LeaseId
      readonly version: number
      readonly handle: Uint8Array
      readonly visible: Lease['visible']
      readonly expiresAt: Temporal.Instant
      readonly guarantees: Lease['guarantees']
    }
  /** Lost (`invalid_lease` `lease expired`) unless active, not due, at that version. Done after the target was extended. */
  | { readonly kind: 'lease.renew'; readonly id: LeaseId; readonly version: number; readonly expiresAt: Temporal.Instant }
  /** Due now, with its cause; a lease already due keeps the first cause. A lease that waits for its next try is due now too. Idempotent. */
  | { readonly kind: 'lease.due'; readonly id: LeaseId; readonly cause: RevokeCause }
  /** Ends by hand without the target: `revoked`, `revoked_at` empty, `forced_by`. At most `limit` that begin with `prefix` (or are it); `leases` of the result. */
  | { readonly kind: 'lease.force'; readonly prefix: string; readonly by: string; readonly limit: number }
  /** What was found in a target without a lease gets one, active. Optional: `applied` false when its name or id was ever used, an open cascade covers it, its mount is ending or
   *  the target retired. Row of the target made when new; recipe stored once by its id. */
  | { readonly kind: 'lease.adopt'; readonly lease: Lease; readonly recipe: Uint8Array }
  /** What a revoked lease stood for is there again, or still: the lease is active, and due now with its cause. `mount`, `target` and `handle`: where and as what it was found.
   *  Optional: `applied` false unless revoked at that version, at a mount and a target that live on; a lease of another mount only when that one has been dropped. */
  | {
      readonly kind: 'lease.reopen'
      readonly id: LeaseId
      readonly version: number
      readonly mount: string
      readonly target: TargetId
      readonly handle: Uint8Array
      readonly cause: RevokeCause
    }
  /** The target was extended by a renewal that this store has lost. Optional: `applied` false unless active at that version, with no cause to end, ending earlier, and never beyond its
   *  maximum. */
  | { readonly kind: 'lease.prolong'; readonly id: LeaseId; readonly version: number; readonly expiresAt: Temporal.Instant }
  /** One use, as the target told it. Optional: `applied` false when no lease of the mount has this name. */
  | ({ readonly kind: 'lease.used'; readonly mount: string; readonly name: string } & { readonly sighting: Sighting })
  /** What a look at the target found of these leases. `count` of those that there are. */
  | { readonly kind: 'lease.observed'; readonly found: readonly { readonly id: LeaseId; readonly usage: Usage }[] }
  /** Takes up to `limit` due leases of a target: state revoking, claimed by this node's epoch until `until`. `dueBefore`: due at or before it. Result: `leases`. */
  | {
      readonly kind: 'lease.claim'
      readonly target: TargetId
      readonly dueBefore: Temporal.Instant
      readonly limit: number
      readonly until: Temporal.Instant
    }
  /** Outcomes of one revocation. Each settles only while its claim and version hold; a claim that has run out holds until somebody takes the lease; `count` of those that did. */
  | { readonly kind: 'lease.settle'; readonly settlements: readonly Settlement[] }
  /** Leases `issuing` under an epoch that is no longer alive are due at once (`node-lost`); claims of dead epochs, and of this one, are given back. At
   *  start, before anything is swept. `count`. */
  | { readonly kind: 'lease.takeOver' }

  // cascades
  /** Also covers `issuing` leases, and refuses new ones below it while it is open. */
  | { readonly kind: 'cascade.open'; readonly selector: CascadeSelector; readonly cause: RevokeCause; readonly by: string }
  /** One batch of at most `limit` leases (and, for a token, children, which end with cascades of their own). Closes when nothing is left; the cascade of a mount only
   *  leaves `dueWork` then, and goes on refusing new leases until `space.drop`. `count`; `more` when it is still open. */
  | { readonly kind: 'cascade.work'; readonly id: number; readonly limit: number }

  // audit and history
  | { readonly kind: 'cursor.move'; readonly sink: string; readonly seq: number }
  | { readonly kind: 'cursor.drop'; readonly sink: string }
  /** Cursors of all other sinks go. `count`. */
  | { readonly kind: 'cursor.keep'; readonly sinks: readonly string[] }
  /** At most `limit` rows, each the lines of one group commit, whose newest line is older than `before` and which every sink has passed. `count` of rows. */
  | { readonly kind: 'audit.prune'; readonly before: Temporal.Instant; readonly limit: number }
  /** At most `limit` leases revoked before, and ended tokens; recipes that nothing refers to. `count`. */
  | { readonly kind: 'history.prune'; readonly before: Temporal.Instant; readonly limit: number }

/** One row sealed anew. */
export interface ResealedRow {
  readonly keys: readonly string[]
  readonly old: Uint8Array
  readonly sealed: Uint8Array
}

/** `restored`: it takes the place of the store that it is an older state of. `copy`: that store lives on elsewhere. */
export type ResumeAs = 'restored' | 'copy'

export type CascadeSelector =
  | { readonly kind: 'token'; readonly hash: string }
  | { readonly kind: 'prefix'; readonly prefix: string }
  | { readonly kind: 'mount'; readonly mount: string }
  /** All that was made for a subject at a mount. */
  | { readonly kind: 'subject'; readonly mount: string; readonly subject: string }
  /** All that somebody holds, at one mount or (`''`) at every one. Never of nobody: `value` is not empty. */
  | { readonly kind: 'holder'; readonly holder: Holder; readonly value: string; readonly mount: string }
  /** Every token that an auth method gave, unusable from this commit on. */
  | { readonly kind: 'auth'; readonly mount: string }

/** How a lease names who holds it. */
export type Holder = 'entity' | 'accessor' | 'display_name'

export interface ClaimedLease {
  readonly id: LeaseId
  readonly version: number
}

/** One lease's outcome. `audit` is chained only if the claim still held. */
export type Settlement = ClaimedLease & { readonly audit?: readonly string[] } & (
    | { readonly outcome: 'gone' }
    | { readonly outcome: 'ended'; readonly again: Temporal.Instant; readonly waiting: string }
    /** Nobody waits for it any more: it may give access until then, and no longer. */
    | { readonly outcome: 'outlives'; readonly until: Temporal.Instant; readonly again: Temporal.Instant; readonly why: string }
    | { readonly outcome: 'failed'; readonly again: Temporal.Instant; readonly error: string }
    /** Not due by the target's own clock: given back, as it was, to be looked at again. When somebody asked for its end during the claim it is due at once instead. */
    | { readonly outcome: 'early'; readonly again: Temporal.Instant }
  )

/** Spaces whose every change raises the generation: a node whose copy is older reloads before it decides. */
export const watchedSpaces: readonly string[] = ['mount', 'policy']

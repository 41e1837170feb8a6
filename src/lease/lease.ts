/** A lease is the broker's durable promise to end one credential. It exists *before* the credential does.
 *
 *               begin                     activate
 *   request ──────────► issuing ───────────────────────► active ──► the secret leaves in the reply
 *                          │ error, timeout, lost reply,    │ due: expired, revoked, its token or mount gone
 *                          │ anything unknown               ▼
 *                          └───────────────────────────► revoking ──► revoked
 *                                                           │  ▲         history; the name is never used again
 *                                                           └──┘ failed, ended, outlives: looked at again, for ever
 *
 *  | from     | to       | by                   | condition of the statement                                       |
 *  |----------|----------|----------------------|------------------------------------------------------------------|
 *  | -        | issuing  | `lease.begin`        | token and ancestors live, no open cascade covers it, target open  |
 *  | -        | active   | `lease.begin`        | the same; what is made in this process, and leaves with the reply |
 *  | issuing  | active   | `lease.activate`     | the same, and state, version and epoch as begun                   |
 *  | issuing  | issuing  | `lease.due`          | made due now, with its cause: the sweeper takes it                |
 *  | active   | active   | `lease.renew`        | not due, version as read                                          |
 *  | active   | active   | `lease.due`          | made due now, with its cause                                      |
 *  | issuing, active | revoking | `claim`       | due_at has passed, no live claim                                  |
 *  | revoking | revoking | `lease.settle`       | ended, outlives or failed: looked at again at `due_at`            |
 *  | revoking | revoked  | `lease.settle`       | proven gone; claim and version as claimed                         |
 *  | -        | active   | `lease.adopt`        | found in the target, its name used by no lease, ended ones included |
 *  | revoked  | active   | `lease.reopen`       | found in the target all the same: due now, with its cause         |
 *  | active   | active   | `lease.prolong`      | after a restore: the target was extended by a renewal that is lost |
 *  | any      | revoked  | `lease.force`        | by hand, with its own right; `revoked_at` stays empty             |
 *  | any      | revoked  | `held.setAside`      | of a copied store: the original ends it; `revoked_at` stays empty |
 *
 *  `ended_at`: access is over. `revoked_at`: proven and cleaned up. Stuck (the wire calls it irrevocable) is computed, never stored. */
import type { Guarantees, LeaseId, TargetId } from '../contracts/index.ts'
import type { LeaseUsage } from './usage.ts'

export type LeaseState = 'issuing' | 'active' | 'revoking' | 'revoked'

/** Why a lease ends; what the audit says. */
export type RevokeCause =
  | 'expired'
  | 'manual'
  | 'prefix'
  | 'holder'
  | 'force'
  | 'token-revoked'
  | 'token-expired'
  | 'mount-disabled'
  | 'not-unwrapped'
  | 'issue-failed'
  | 'node-lost'
  /** Of another store, which this one is a copy of. */
  | 'foreign'
  | 'reconciled'

export interface Lease {
  readonly id: LeaseId
  readonly state: LeaseState
  /** Counts up with every transition; each one names the version that it read. */
  readonly version: number
  readonly mount: string
  /** The request path without the random part: `database/creds/readonly`. */
  readonly path: string
  readonly role: string
  readonly roleVersion: number
  readonly credential: string
  readonly target: TargetId
  readonly recipe: string
  /** Sealed. */
  readonly handle: Uint8Array
  /** Unique for ever. */
  readonly name: string
  readonly visible: Readonly<Record<string, string>>
  /** What it was made for, in clear: all leases of one are found by it. */
  readonly subject: string | null
  /** The keyed hash of the token that asked, hex. */
  readonly token: string
  readonly accessor: string
  readonly displayName: string
  readonly entity: string
  readonly remoteAddress: string
  readonly requestId: string
  readonly outlivesToken: boolean
  readonly renewable: boolean
  readonly guarantees: Guarantees
  /** Seconds that a renewal without an increment gives: as role and mount said at issue. */
  readonly ttl: number
  readonly issuedAt: Temporal.Instant
  readonly expiresAt: Temporal.Instant
  /** The end that no renewal passes. */
  readonly maxExpiresAt: Temporal.Instant | null
  readonly createBy: Temporal.Instant
  readonly lastRenewal: Temporal.Instant | null
  readonly dueAt: Temporal.Instant
  readonly epoch: number
  /** False while the credential was never proven to exist: absent does not mean gone before `createBy`. */
  readonly activated: boolean
  readonly cause: RevokeCause | null
  /** Failures of its own, in a row; a failing target charges none. */
  readonly failures: number
  readonly lastError: string | null
  readonly endedAt: Temporal.Instant | null
  readonly revokedAt: Temporal.Instant | null
  readonly forcedBy: string | null
  /** By the word of the last revocation it may still give access, at the latest until then. */
  readonly outlivesUntil: Temporal.Instant | null
  /** What the target has told of its use. */
  readonly usage: LeaseUsage | null
}

/** After this many failures of its own a lease counts as stuck: shown, alerted, and still retried. */
export const stuckAfterFailures = 6

/** A target that has failed this long makes its due leases stuck. */
export const stuckAfterTargetMs = 60_000

/** What a row keeps of an error: texts of targets may be megabytes. */
export const lastErrorCharsMax = 240

/** How long an issue may take, from promise to activation: the create deadline that the target itself enforces. */
export const issueLimitMs = 10_000

/** Longer than any issue may take, server-side timeouts included, so that the sweeper never takes a lease that may still be on its way. */
export const issueGraceMs = 30_000

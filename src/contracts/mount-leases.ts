/** What a backend may ask about what it has issued, and about where. */
import type { LeaseId } from './brand.ts'

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
  /** Its end was asked for before its time was over. */
  readonly endedEarly?: true
  readonly path: string
  readonly role: string
  readonly visible: Readonly<Record<string, string>>
  readonly displayName: string
  readonly subject?: string
}

import type { TargetId } from './brand.ts'
import type { Json } from './json.ts'

/** Counts up with each write of a row; 0 says "must not exist yet". */
export type Version = number

export interface Stored {
  readonly value: Json
  readonly version: Version
}

/** A credential was seen in use. */
export interface Sighting {
  readonly at: Temporal.Instant
  /** Where from: an address. */
  readonly from?: string
  /** `login`: it gave access. `logout`: it had access until then. `offer`: it was shown, and whether it was let in is not known. */
  readonly kind: 'login' | 'logout' | 'offer'
}

/** Sealed rows of one mount, as committed. */
export interface MountReader {
  get(key: string): Promise<Stored | undefined>
  /** Keys that begin with `prefix`, without it, in order; at most `limit`, after `after`. */
  list(prefix: string, page?: { readonly after?: string; readonly limit?: number }): Promise<readonly string[]>
}

/** `put`, `take`, `schedule` and `retire` only collect: the broker commits them together with the audit entries of the request (or of the task's run) in
 *  one transaction before the reply; with `issue`, in the commit of the promise; of a revocation, with its outcomes. A lost condition fails the whole. Keys are paths: letters, digits,
 *  `_ - . @ /`. Values are JSON, sealed by the broker. */
export interface MountStorage extends MountReader {
  /** `expected`: the version that the row must still have; 0 = none yet. */
  put(key: string, value: Json, expected?: Version): void
  remove(key: string, expected?: Version): void
  /** Single use: the commit fails unless the row is there to be taken. */
  take(key: string): void
  /** Makes a task due, replacing an earlier schedule of the same task and key. */
  schedule(task: string, key: string, dueAt: Temporal.Instant, intent: Json): void
  unschedule(task: string, key: string): void
  /** No lease may begin at this target from here on; the commit fails with `invalid_request` while leases live there. */
  retire(target: TargetId): void
  /** Collects a use of a credential that its target has told: a login of a user, of a certificate. It is kept with the lease of this mount that was issued under `name`; without one nothing
   *  happens. Told twice it counts twice: who may be told twice keeps how far it has come in a row of the same commit. */
  used(name: string, sighting: Sighting): void
  /** The first of `count` consecutive numbers, never handed out before; of 0 numbers, the one that would be next. Commits at once: durable first, gaps are fine. `beside`: rows that say
   *  what was reserved, in the same commit. A store that was restored goes on far ahead of where its rows say. */
  reserve(sequence: string, count: number, beside?: readonly { readonly key: string; readonly value: Json }[]): Promise<number>
}

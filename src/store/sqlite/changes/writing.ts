import { lastErrorCharsMax } from '../../../lease/lease.ts'
import type { Intention } from '../../change.ts'
import { LostCondition } from '../../store.ts'
import type { ChangeResult } from '../../store.ts'
import type { Database } from '../database.ts'
import type { LeaseRow } from '../rows/lease-row.ts'
import type { TokenRow } from '../rows/token-row.ts'
import type { Wire } from '../rows/wire.ts'

/** What a change works with inside the transaction. */
export interface Writing {
  readonly db: Database
  /** Names of the parameters of `fence`: bound in every statement that carries it. */
  readonly fence: { readonly node: string; readonly epoch: number }
  /** The change's own moment. */
  readonly now: number
}

export type ChangeOf<Kind extends Intention['kind']> = Wire<Extract<Intention, { kind: Kind }>>

/** A result as it leaves the worker. `audit`: bodies that the change itself found due, before its own. */
export type Applied = Omit<ChangeResult, 'leases' | 'token'> & {
  readonly leases?: readonly LeaseRow[]
  readonly token?: TokenRow
  readonly audit?: readonly string[]
}

/** Condition: this run of this node is the newest. A node that was stopped and replaced meanwhile changes no row. */
export const fence = 'exists (select 1 from node where id = :node and epoch = :epoch)'

export function fenceHolds(writing: Writing): boolean {
  return writing.db.holds(fence, writing.fence)
}

export function lostEpoch(change: Intention['kind']): LostCondition {
  return new LostCondition(change, 'store_unreachable', 'a newer run of this node has taken over the store')
}

export function changed(count: number): Applied {
  return { applied: count > 0, count }
}

export function cutError(text: string): string {
  return text.slice(0, lastErrorCharsMax)
}

import type { Change } from '../../change.ts'
import { LostCondition } from '../../store.ts'
import { sealedBelow } from '../rows/sealed-columns.ts'
import type { Wire } from '../rows/wire.ts'
import type { Writing } from './writing.ts'

/** A value that was sealed before a rotation may come to its commit long after it, behind the back of the pass that seals rows anew; with the old key it would be lost. So once a
 *  pass has begun, the store itself takes none. */
export function refuseRetiredKeys({ db }: Writing, change: Wire<Change>): void {
  const values = sealedValues(change)
  if (values.length === 0) return
  const floor = db.get<{ value: number }>(`select value from counter where name = 'key_floor'`)!.value
  if (floor === 0) return
  const { from, to } = sealedBelow(floor)
  if (values.some(value => Buffer.compare(value, from) >= 0 && Buffer.compare(value, to) < 0))
    throw new LostCondition(change.kind, 'conflict', 'the keys were rotated meanwhile; try again')
}

const none: readonly Uint8Array[] = []

/** All bytes of a change, whatever it is: a kind that was forgotten here would lose its rows. What is sealed under another key than the keyring's has the id 0, and passes. */
function sealedValues(change: Wire<Change>): readonly Uint8Array[] {
  if (change.kind === 'reseal.rows') return change.rows.map(({ sealed }) => sealed)
  if (change.kind === 'lease.settle') return none
  const own = bytesOf(change)
  return 'lease' in change && typeof change.lease === 'object' && change.lease ? [...own, ...bytesOf(change.lease)] : own
}

function bytesOf(record: object): readonly Uint8Array[] {
  return Object.values(record).filter(value => value instanceof Uint8Array)
}

import { BrokerError } from '../../contracts/index.ts'
import type { Change, ResumeAs } from '../change.ts'
import { heldSentence } from '../store.ts'
import type { Database } from './database.ts'
import type { Wire } from './rows/wire.ts'

export interface HeldRow {
  readonly cause: string
  readonly since: number
  readonly resuming: ResumeAs | null
}

export function heldRow(db: Database): HeldRow | undefined {
  return db.get<HeldRow>('select held_cause as cause, held_at as since, resuming from whereabouts where held_cause is not null')
}

/** What may be written while a store is held, and why that harms nothing:
 *
 *  - Audit entries alone: reads go on, and none goes unrecorded. The trail is that of a node of its own since the store was found elsewhere.
 *  - How far each sink has come, and the key that signs the trail, where a copy was made before its first unseal.
 *  - The keyring: a key more, or a count of encryptions, opens nothing to anybody.
 *  - What it is resumed with: what a reconciliation finds out, leases that are set aside. Nothing of that touches a target or ends an access.
 *
 *  Everything else is refused here, in the transaction, whoever asks: no credential, no token, no lease that ends, no task, no configuration. */
export function refuseWhileHeld({ resuming, cause }: HeldRow, changes: readonly Wire<Change>[]): void {
  if (!changes.every(change => isAllowed(change, resuming))) throw new BrokerError('held', heldSentence(cause))
}

type Kind = Change['kind']

const always: ReadonlySet<Kind> = new Set<Kind>(['cursor.move', 'seal.keyring', 'held.begin', 'held.lift'])

const whileResuming: Readonly<Record<ResumeAs, ReadonlySet<Kind>>> = {
  restored: new Set<Kind>(['lease.prolong', 'lease.adopt', 'lease.reopen']),
  copy: new Set<Kind>(['held.setAside'])
}

function isAllowed(change: Wire<Change>, resuming: ResumeAs | null): boolean {
  if (change.kind === 'entry.put') return change.space === 'system' && change.expected === 0
  return always.has(change.kind) || (resuming !== null && whileResuming[resuming].has(change.kind))
}

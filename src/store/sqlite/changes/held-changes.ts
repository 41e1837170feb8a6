import type { ResumeAs } from '../../change.ts'
import { LostCondition } from '../../store.ts'
import { heldRow } from '../held.ts'
import { changed, fence } from './writing.ts'
import type { Applied, ChangeOf, Writing } from './writing.ts'
import { closeWrapped } from './wrapping-changes.ts'

// Numbers that the other store may have reserved since: more than any target sees between two backups. A gap costs nothing.
const numbersSkipped = 2 ** 32

export function beginResume({ db }: Writing, { kind, as }: ChangeOf<'held.begin'>): Applied {
  const held = heldRow(db)
  if (!held) throw new LostCondition(kind, 'invalid_request', 'the store is not held: there is nothing to resume')
  if (held.resuming !== null && held.resuming !== as)
    throw new LostCondition(kind, 'invalid_request', `resuming has begun with --${held.resuming}, and can only be finished so`)
  db.run('update whereabouts set resuming = :as', { as })
  return { applied: held.resuming === null }
}

const setAsideSql = `update lease set state = 'revoked', version = version + 1, cause = 'foreign', closed_at = :now, claim_epoch = null, claim_until = null,
    prior_state = null, prior_cause = null
  where number in (select number from lease where state <> 'revoked' limit :limit) and ${fence}`

/** Only while it is held: a second resume that comes late would set aside what this store has issued since. */
export function setLeasesAside({ db, now, fence: run }: Writing, { kind, limit }: ChangeOf<'held.setAside'>): Applied {
  refuseUnlessResuming(kind, db, 'copy')
  return changed(db.run(setAsideSql, { now, limit, ...run }))
}

function refuseUnlessResuming(kind: 'held.setAside' | 'held.lift', db: Writing['db'], as: ResumeAs): void {
  if (heldRow(db)?.resuming !== as) throw new LostCondition(kind, 'invalid_request', `the store is not being resumed with --${as}`)
}

export function liftHold(writing: Writing, { kind, as, instance, tasksOf = [] }: ChangeOf<'held.lift'>): Applied {
  const { db } = writing
  refuseUnlessResuming(kind, db, as)
  const tasks = as === 'copy' ? letGo(kind, { db }, tasksOf) : 0
  closeWrapped(writing)
  // How often the other store has let them be used since, nobody knows here: single use stays single.
  db.run(`delete from entry where uses > 0 and ${fence}`, { ...writing.fence })
  db.run('update sequence set next = next + :skipped', { skipped: numbersSkipped })
  db.run('update whereabouts set held_cause = null, held_at = null, resuming = null, instance = coalesce(:instance, instance)', {
    instance: instance ?? null
  })
  return { applied: true, count: tasks }
}

/** What the original has promised is not the copy's to keep: a rotation here would lock the original out of its target. */
function letGo(kind: 'held.lift', { db }: Pick<Writing, 'db'>, mounts: readonly string[]): number {
  if (db.holds(`exists (select 1 from lease where state <> 'revoked')`))
    throw new LostCondition(kind, 'invalid_request', 'leases of the original are not set aside yet')
  return mounts.reduce((count, mount) => count + db.run('delete from task where mount = :mount', { mount }), 0)
}

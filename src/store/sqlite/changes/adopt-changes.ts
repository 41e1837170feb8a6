/** What the reconciler changes: leases for what was found without one. All optional: whoever was faster has taken care of it, and the next look tells. */
import { uncovered } from '../rows/conditions.ts'
import { leaseColumns, leaseParameters, leaseRow } from '../rows/lease-row.ts'
import { fence } from './writing.ts'
import type { Applied, ChangeOf, Writing } from './writing.ts'

const livesOn = (target: string) => `not exists (select 1 from target where id = ${target} and retired_at is not null)`

// A taken name or id is no error but no row: an issue, or another look, has it.
const adoptSql = `insert into lease (${leaseColumns})
  select ${leaseParameters} where ${fence} and ${uncovered(':')} and ${livesOn(':target_id')}
  on conflict do nothing`

export function adoptLease({ db, fence }: Writing, { lease, recipe }: ChangeOf<'lease.adopt'>): Applied {
  if (lease.state !== 'active') throw new Error('what is adopted is there: its lease is active')
  const row = leaseRow({ ...lease, epoch: fence.epoch })
  if (db.run(adoptSql, { ...row, node: fence.node }) === 0) return { applied: false }
  db.run('insert into recipe (id, value) values (:id, :value) on conflict do nothing', { id: lease.recipe, value: recipe })
  db.run('insert into target (id, mount, credential) values (:id, :mount, :credential) on conflict do nothing', {
    id: lease.target,
    mount: lease.mount,
    credential: lease.credential
  })
  return { applied: true }
}

const reopenSql = `update lease set state = 'active', version = version + 1, mount = :mount, target_id = :target, handle = :handle, activated = 1, cause = :cause,
    due_at = :now, failures = 0, last_error = null, outlives_until = null, ended_at = null, revoked_at = null, forced_by = null, closed_at = null,
    claim_epoch = null, claim_until = null, prior_state = null, prior_cause = null
  where id = :id and state = 'revoked' and version = :version and ${livesOn(':target')}
    and not exists (select 1 from mount_end where mount = :mount)
    and (mount = :mount or exists (select 1 from mount_end where mount = lease.mount and dropped = 1)) and ${fence}`

export function reopenLease({ db, now, fence }: Writing, change: ChangeOf<'lease.reopen'>): Applied {
  const { id, version, mount, target, handle, cause } = change
  if (db.run(reopenSql, { id, version, mount, target, handle, cause, now, ...fence }) === 0) return { applied: false }
  // It may be found where nothing was ever issued, and nobody sweeps a target without a row.
  db.run(
    'insert into target (id, mount, credential) select target_id, mount, credential from lease where id = :id on conflict do nothing',
    { id }
  )
  return { applied: true }
}

const prolongSql = `update lease set expires_at = :expiresAt, due_at = :expiresAt, last_renewal = :now, version = version + 1
  where id = :id and state = 'active' and version = :version and cause is null and expires_at < :expiresAt
    and (max_expires_at is null or max_expires_at >= :expiresAt) and ${fence}`

export function prolongLease({ db, now, fence }: Writing, { id, version, expiresAt }: ChangeOf<'lease.prolong'>): Applied {
  return { applied: db.run(prolongSql, { id, version, expiresAt, now, ...fence }) > 0 }
}

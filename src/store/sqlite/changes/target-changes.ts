import { LostCondition } from '../../store.ts'
import { changed, cutError, fence, fenceHolds, lostEpoch } from './writing.ts'
import type { Applied, ChangeOf, Writing } from './writing.ts'

// A target that never had a lease has no row yet: it is made, retired, so that nothing begins there.
const retireSql = `insert into target (id, mount, credential, retired_at)
  select :target, '', '', :now
   where ${fence} and not exists (select 1 from lease_count where target_id = :target and state <> 'revoked' and count > 0)
  on conflict do update set retired_at = coalesce(retired_at, excluded.retired_at)`

export function retireTarget(writing: Writing, { target }: ChangeOf<'target.retire'>): Applied {
  const { db, now } = writing
  if (db.run(retireSql, { target, now, ...writing.fence }) > 0) return { applied: true }
  if (!fenceHolds(writing)) throw lostEpoch('target.retire')
  const live = db.get<{ count: number }>(`select total(count) as count from lease_count where target_id = :target and state <> 'revoked'`, {
    target
  })!.count
  throw new LostCondition('target.retire', 'invalid_request', `${live} leases of the target are not revoked yet`)
}

const failedSql = `update target set failures = failures + 1, failing_since = coalesce(failing_since, :now), retry_at = :retryAt, last_error = :error
  where id = :target and ${fence}`

/** It stays revoking and due, and goes back to what it was if the target's clock says so at the next try. */
const giveBackSql = `update lease set claim_epoch = null, claim_until = null, version = version + 1
  where id = :id and version = :version and state = 'revoking' and target_id = :target and claim_epoch = :epoch and ${fence}`

export function targetFailed(writing: Writing, { target, retryAt, error, leases }: ChangeOf<'target.failed'>): Applied {
  const { db, now } = writing
  if (db.run(failedSql, { target, now, retryAt, error: cutError(error), ...writing.fence }) === 0) return { applied: false }
  let count = 0
  for (const { id, version } of leases) count += db.run(giveBackSql, { id, version, target, ...writing.fence })
  return { applied: true, count }
}

const recoveredSql = `update target set failures = 0, failing_since = null, retry_at = null, last_error = null
  where id = :target and failing_since is not null and ${fence}`

/** Its leases kept their due times while it failed, so closing the circuit makes all that wait due at once. */
export function targetRecovered(writing: Writing, { target }: ChangeOf<'target.recovered'>): Applied {
  const { db, now } = writing
  if (db.run(recoveredSql, { target, ...writing.fence }) === 0) return { applied: false }
  const waiting = db.get<{ count: number }>(
    `select count(*) as count from lease where target_id = :target and state <> 'revoked' and ready_at <= :now`,
    { target, now }
  )
  return { ...changed(waiting!.count), applied: true }
}

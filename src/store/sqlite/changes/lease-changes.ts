import { LostCondition } from '../../store.ts'
import { becomesDue, beginsWith, notYetDue, tokenLives, uncovered } from '../rows/conditions.ts'
import { leaseColumns, leaseParameters, leaseRow } from '../rows/lease-row.ts'
import type { LeaseRow } from '../rows/lease-row.ts'
import { changed, fence, fenceHolds, lostEpoch } from './writing.ts'
import type { Applied, ChangeOf, Writing } from './writing.ts'

/** What must hold for a lease to begin, and again for it to become active. What an open path issued (to a host that proved its key) has no token to end with, and its backend says so. */
function mayLive(of: ':' | 'lease.'): string {
  return `${fence} and ((${of}token = '' and ${of}outlives_token = 1) or ${tokenLives(`${of}token`)}) and ${uncovered(of)}
    and not exists (select 1 from target where id = ${of}target_id and retired_at is not null)`
}

// A taken name or id is no error but no row.
const beginSql = `insert into lease (${leaseColumns})
  select ${leaseParameters} where ${mayLive(':')}
  on conflict do nothing`

export function beginLease(writing: Writing, { lease, recipe }: ChangeOf<'lease.begin'>): Applied {
  const { db, now } = writing
  if (lease.state !== (lease.activated ? 'active' : 'issuing')) throw new Error('a lease begins as issuing, or active when it is made here')
  db.run('insert into recipe (id, value) values (:id, :value) on conflict do nothing', { id: lease.recipe, value: recipe })
  const row = leaseRow({ ...lease, epoch: writing.fence.epoch })
  if (db.run(beginSql, { ...row, now, node: writing.fence.node }) === 0) throw whyNot(writing, 'lease.begin', row)
  db.run('insert into target (id, mount, credential) values (:id, :mount, :credential) on conflict do nothing', {
    id: lease.target,
    mount: lease.mount,
    credential: lease.credential
  })
  return { applied: true }
}

// A lease that was made due meanwhile has another version, and its cause: it is never activated.
const activateSql = `update lease set state = 'active', version = version + 1, handle = :handle, visible = :visible, guarantees = :guarantees,
    expires_at = :expiresAt, due_at = :expiresAt, activated = 1
  where id = :id and state = 'issuing' and version = :version and epoch = :epoch and cause is null and due_at > :now
    and ${mayLive('lease.')}`

export function activateLease(writing: Writing, change: ChangeOf<'lease.activate'>): Applied {
  const { id, version, handle, expiresAt } = change
  const { db, now } = writing
  const parameters = {
    id,
    version,
    handle,
    expiresAt,
    visible: JSON.stringify(change.visible),
    guarantees: JSON.stringify(change.guarantees),
    now
  }
  if (db.run(activateSql, { ...parameters, ...writing.fence }) > 0) return { applied: true }
  const row = db.get<LeaseRow>(`select ${leaseColumns} from lease where id = :id`, { id })
  if (!row) throw new LostCondition('lease.activate', 'conflict', 'the lease is not there')
  throw whyNot(writing, 'lease.activate', row)
}

const renewSql = `update lease set expires_at = :expiresAt, due_at = :expiresAt, last_renewal = :now, version = version + 1
  where id = :id and state = 'active' and version = :version and cause is null and due_at > :now
    and (max_expires_at is null or max_expires_at >= :expiresAt)
    and (outlives_token = 1 or ${tokenLives('lease.token')})
    and ${uncovered('lease.')} and ${fence}`

export function renewLease(writing: Writing, { id, version, expiresAt }: ChangeOf<'lease.renew'>): Applied {
  if (writing.db.run(renewSql, { id, version, expiresAt, now: writing.now, ...writing.fence }) > 0) return { applied: true }
  if (!fenceHolds(writing)) throw lostEpoch('lease.renew')
  throw new LostCondition('lease.renew', 'invalid_lease', 'lease expired')
}

export function makeLeaseDue(writing: Writing, { id, cause }: ChangeOf<'lease.due'>): Applied {
  const sql = `update lease set ${becomesDue} where id = :id and ${notYetDue} and ${fence}`
  return { applied: writing.db.run(sql, { id, cause, now: writing.now, ...writing.fence }) > 0 }
}

const forceSql = `update lease set state = 'revoked', forced_by = :by, cause = 'force', closed_at = :now, version = version + 1,
    claim_epoch = null, claim_until = null, prior_state = null, prior_cause = null
  where number in (select number from lease where ${beginsWith('id', ':prefix')} and state <> 'revoked' order by id limit :limit) and ${fence}
  returning ${leaseColumns}`

export function forceLeases(writing: Writing, { prefix, by, limit }: ChangeOf<'lease.force'>): Applied {
  const leases = writing.db.all<LeaseRow>(forceSql, { prefix, by, limit, now: writing.now, ...writing.fence })
  return { ...changed(leases.length), leases }
}

function isNobodys({ token, outlives_token }: LeaseRow): boolean {
  return token === '' && outlives_token === 1
}

/** Finds the reason after the fact, in the same transaction; the statement's own condition has decided. */
function whyNot(writing: Writing, change: 'lease.begin' | 'lease.activate', row: LeaseRow): LostCondition {
  const { db, now } = writing
  const refused = (message: string) => new LostCondition(change, 'invalid_request', message)
  if (!fenceHolds(writing)) return lostEpoch(change)
  if (!isNobodys(row) && !db.holds(tokenLives(':token'), { token: row.token, now }))
    return new LostCondition(change, 'permission_denied', 'permission denied')
  const { mount, id, subject, entity, accessor, display_name } = row
  if (!db.holds(uncovered(':'), { mount, id, subject, entity, accessor, display_name })) return refused('leases here are being revoked')
  if (db.holds('exists (select 1 from target where id = :target and retired_at is not null)', { target: row.target_id }))
    return refused('the target is retired')
  return new LostCondition(
    change,
    'conflict',
    change === 'lease.begin' ? 'its name was used before' : 'the lease is due or no longer issuing'
  )
}

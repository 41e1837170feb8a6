import type { RevokeCause } from '../../../lease/lease.ts'
import { LostCondition } from '../../store.ts'
import type { WrappedRow } from '../../store.ts'
import { cubbyholeSpace, tokenDepthMax } from '../../token.ts'
import { tokenLives } from '../rows/conditions.ts'
import { tokenColumns, tokenParameters } from '../rows/token-row.ts'
import type { TokenRow } from '../rows/token-row.ts'
import { changed, fence, fenceHolds, lostEpoch } from './writing.ts'
import type { Applied, ChangeOf, Writing } from './writing.ts'
import { makeLeaseDue } from './lease-changes.ts'

const createSql = `insert into token (hash, accessor, parent, depth, path, policies, display_name, meta, entity, uses, issued_at, creation_ttl, explicit_max_ttl,
    period, renewable, expires_at, last_renewal, bound_cidrs, auth_mount)
  select :hash, :accessor, :parent, coalesce((select depth + 1 from token where hash = :parent), :depth), :path, :policies, :display_name, :meta, :entity, :uses,
    :issued_at, :creation_ttl, :explicit_max_ttl, :period, :renewable, :expires_at, :last_renewal, :bound_cidrs, :auth_mount
   where ${fence} and not exists (select 1 from mount_end where mount = :auth_mount)
     and (:parent is null or (${tokenLives(':parent')} and (select depth from token where hash = :parent) < :depthMax))
  on conflict do nothing`

export function createToken(writing: Writing, { token }: ChangeOf<'token.create'>): Applied {
  const { db, now } = writing
  const parameters = { ...tokenParameters(token), now, depthMax: tokenDepthMax, ...writing.fence }
  if (db.run(createSql, parameters) > 0) return { applied: true }
  if (!fenceHolds(writing)) throw lostEpoch('token.create')
  if (token.authMount !== undefined && db.holds('exists (select 1 from mount_end where mount = :mount)', { mount: token.authMount }))
    throw denied('token.create')
  if (token.parent !== null && !db.holds(tokenLives(':parent'), { parent: token.parent, now })) throw denied('token.create')
  if (db.holds('exists (select 1 from token where hash = :hash)', { hash: token.hash })) {
    throw new LostCondition('token.create', 'invalid_request', 'cannot create a token with a duplicate ID')
  }
  throw new LostCondition('token.create', 'invalid_request', `tokens nest at most ${tokenDepthMax} deep`)
}

const live = 'hash = :hash and ended_at is null and (expires_at is null or expires_at > :now)'
const useSql = `update token set uses = uses - 1 where ${live} and uses > 1 and ${fence}`
const lastUseSql = `update token set uses = 0, ended_at = :now, ended_by = 'token-expired' where ${live} and uses = 1 and ${fence}`

export function useToken(writing: Writing, { hash }: ChangeOf<'token.use'>): Applied {
  const { db, now } = writing
  const parameters = { hash, now, ...writing.fence }
  const used = db.run(useSql, parameters) > 0
  const last = !used && db.run(lastUseSql, parameters) > 0
  if (last) {
    endUnopened(writing, hash)
    openTokenCascade(writing, hash, 'token-expired', hash)
  }
  const token = db.get<TokenRow>(`select ${tokenColumns} from token t where t.hash = :hash`, { hash })
  const uncounted = token?.uses === 0 && token.ended_at === null && (token.expires_at === null || token.expires_at > now)
  if (!used && !last && !uncounted) throw denied('token.use')
  return { applied: used || last, ...(token ? { token } : {}) }
}

export function renewToken(writing: Writing, { hash, expiresAt }: ChangeOf<'token.renew'>): Applied {
  const { db, now } = writing
  const sql = `update token set expires_at = :expiresAt, last_renewal = :now where ${live} and ${fence}`
  if (db.run(sql, { hash, now, expiresAt, ...writing.fence }) === 0) throw denied('token.renew')
  return { applied: true }
}

const endSql = `update token set ended_at = :now, ended_by = :cause, orphaned = :orphan where hash = :hash and ended_at is null and ${fence}`

export function endToken(writing: Writing, { hash, cause, orphan, by }: ChangeOf<'token.end'>): Applied {
  const { db, now } = writing
  if (db.run(endSql, { hash, now, cause, orphan: Number(orphan ?? false), ...writing.fence }) === 0) return { applied: false }
  endUnopened(writing, hash)
  const cascade = openTokenCascade(writing, hash, cause, by)
  const token = db.get<TokenRow>(`select ${tokenColumns} from token t where t.hash = :hash`, { hash })
  return { applied: true, ...(token ? { token } : {}), ...(cascade === undefined ? {} : { cascade }) }
}

// With an unopened reply its pages go, and each is overwritten: 20 ms a megabyte, in which nothing else is written. A thousand at once would be 20 s.
const unopenedBytesMax = 2_097_152

const expiredSql = `select t.hash, ifnull(length(w.reply), 0) as unopened from token t left join wrapping w on w.token = t.hash
  where t.ended_at is null and t.expires_at is not null and t.expires_at <= :now order by t.expires_at limit :limit`

export function expireTokens(writing: Writing, { limit }: ChangeOf<'tokens.expire'>): Applied {
  const { db, now } = writing
  let [count, bytes] = [0, 0]
  for (const { hash, unopened } of db.all<{ hash: string; unopened: number }>(expiredSql, { now, limit })) {
    bytes += unopened
    if (count > 0 && bytes > unopenedBytesMax) break
    if (endToken(writing, { kind: 'token.end', hash, cause: 'token-expired', by: '' }).applied) count++
  }
  return changed(count)
}

export function requireToken({ db, now }: Writing, { hash }: ChangeOf<'token.require'>): Applied {
  if (!db.holds(tokenLives(':hash'), { hash, now })) throw denied('token.require')
  return { applied: true }
}

/** In the commit that ends a wrapping token, whatever ends it: what nobody has opened is nobody's, and what it would have handed over ends too. */
function endUnopened(writing: Writing, hash: string): void {
  const unopened = writing.db.get<Pick<WrappedRow, 'lease' | 'inner'>>('delete from wrapping where token = :hash returning lease, inner', {
    hash
  })
  if (unopened?.lease) makeLeaseDue(writing, { kind: 'lease.due', id: unopened.lease, cause: 'not-unwrapped' })
  if (unopened?.inner) endToken(writing, { kind: 'token.end', hash: unopened.inner, cause: 'not-unwrapped', by: '' })
}

// Only where something hangs on it: millions of tokens expire without a lease, without a child and with an empty cubbyhole.
const openSql = `insert into cascade (kind, selector, cause, opened_by)
  select 'token', :hash, :cause, :by
   where ${fence}
     and (exists (select 1 from token where parent = :hash and ended_at is null)
       or exists (select 1 from lease where token = :hash and state <> 'revoked' and outlives_token = 0)
       or exists (select 1 from entry where space = :cubbyhole))
  returning id`

/** In the commit that ended the token: its tree is unusable at once by the ancestor check, its leases are ended in batches. */
export function openTokenCascade(writing: Writing, hash: string, cause: RevokeCause, by: string): number | undefined {
  return writing.db.get<{ id: number }>(openSql, { hash, cubbyhole: cubbyholeSpace(hash), cause, by, ...writing.fence })?.id
}

function denied(change: 'token.create' | 'token.use' | 'token.renew' | 'token.require'): LostCondition {
  return new LostCondition(change, 'permission_denied', 'permission denied')
}

import { LostCondition } from '../../store.ts'
import { fence, fenceHolds, lostEpoch } from './writing.ts'
import type { Applied, ChangeOf, Writing } from './writing.ts'

const putSql = `insert into wrapping (token, reply, lease, inner) select :token, :reply, :lease, :inner
  where ${fence} and exists (select 1 from token where hash = :token and ended_at is null)`

export function putWrapped(writing: Writing, { token, reply, lease, inner }: ChangeOf<'wrapping.put'>): Applied {
  if (writing.db.run(putSql, { token, reply, lease, inner, ...writing.fence }) === 0) {
    if (!fenceHolds(writing)) throw lostEpoch('wrapping.put')
    throw new LostCondition('wrapping.put', 'permission_denied', 'permission denied')
  }
  return { applied: true }
}

// Its one use, and what it was for, in one statement: of a hundred openings at once one finds the token unspent.
const spendSql = `update token set uses = 0, ended_at = :now, ended_by = 'token-expired'
  where hash = :token and ended_at is null and uses = 1 and expires_at > :now and ${fence}
    and exists (select 1 from wrapping where token = :token and lease is :lease and inner is :inner)`

export function openWrapped(writing: Writing, { token, lease, inner }: ChangeOf<'wrapping.open'>): Applied {
  const { db, now } = writing
  if (db.run(spendSql, { token, lease, inner, now, ...writing.fence }) === 0) {
    if (!fenceHolds(writing)) throw lostEpoch('wrapping.open')
    throw new LostCondition('wrapping.open', 'invalid_wrapping_token', 'wrapping token is not valid or does not exist')
  }
  db.run('delete from wrapping where token = :token', { token })
  return { applied: true }
}

const closeSql = `update token set uses = 0, ended_at = :now, ended_by = 'token-expired'
  where hash in (select token from wrapping) and ended_at is null and ${fence}`

/** In a store that lives on from an older state nobody knows what has been opened since, so all of it was: nothing opens a second time, and what it handed over is not taken from whoever
 *  has it. */
export function closeWrapped({ db, now, fence: run }: Writing): void {
  db.run(closeSql, { now, ...run })
  db.run(`delete from wrapping where ${fence}`, { ...run })
}

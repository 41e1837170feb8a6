import { changed } from './writing.ts'
import type { Applied, ChangeOf, Writing } from './writing.ts'

export function moveCursor({ db }: Writing, { sink, seq }: ChangeOf<'cursor.move'>): Applied {
  db.run('insert into cursor (sink, seq) values (:sink, :seq) on conflict do update set seq = max(seq, excluded.seq)', { sink, seq })
  return { applied: true }
}

export function dropCursor({ db }: Writing, { sink }: ChangeOf<'cursor.drop'>): Applied {
  return { applied: db.run('delete from cursor where sink = :sink', { sink }) > 0 }
}

export function keepCursors({ db }: Writing, { sinks }: ChangeOf<'cursor.keep'>): Applied {
  return changed(db.run('delete from cursor where sink not in (select value from json_each(:sinks))', { sinks: JSON.stringify(sinks) }))
}

// Only the oldest lines are looked at, never more than the limit. Without any sink nothing was delivered, so nothing goes.
const pruneAuditSql = `delete from audit where first_seq in (
  select first_seq from (select first_seq, last_seq, at from audit order by first_seq limit :limit)
   where at < :before and last_seq <= (select min(seq) from cursor))`

export function pruneAudit({ db }: Writing, { before, limit }: ChangeOf<'audit.prune'>): Applied {
  return changed(db.run(pruneAuditSql, { before, limit }))
}

/** Each deletes at most `:limit` rows. An ended token stays while its cascade is open or a child still names it. */
const pruneSql = [
  `delete from lease where number in (select number from lease where state = 'revoked' and closed_at < :before order by closed_at limit :limit)`,
  `delete from token where number in (
    select number from token t
     where ended_at is not null and ended_at < :before
       and not exists (select 1 from cascade where kind = 'token' and selector = t.hash)
       and not exists (select 1 from token child where child.parent = t.hash and child.ended_at is null)
     order by ended_at limit :limit)`,
  `delete from target where id in (select id from target where retired_at < :before limit :limit)`
] as const

const pruneRecipesSql = [
  `delete from recipe where id in (select id from recipe_count where leases = 0 limit :limit)`,
  `delete from recipe_count where leases = 0 and not exists (select 1 from recipe where recipe.id = recipe_count.id)`,
  `delete from lease_count where count = 0`
] as const

export function pruneHistory({ db }: Writing, { before, limit }: ChangeOf<'history.prune'>): Applied {
  let count = 0
  for (const sql of pruneSql) count += limit > count ? db.run(sql, { before, limit: limit - count }) : 0
  for (const sql of pruneRecipesSql) db.run(sql, ...(sql.includes(':limit') ? [{ limit }] : []))
  return changed(count)
}

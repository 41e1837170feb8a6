import { unhandled } from '../../../contracts/index.ts'
import { cubbyholeSpace } from '../../token.ts'
import { beginsWith } from '../rows/conditions.ts'
import type { CascadeRow } from '../rows/work-rows.ts'
import { fence, lostEpoch } from './writing.ts'
import type { Applied, ChangeOf, Writing } from './writing.ts'
import { reach } from './cascade-reach.ts'
import { endToken } from './token-changes.ts'
import { walkHeld } from './walk-held.ts'

export function openCascade(writing: Writing, { selector, cause, by }: ChangeOf<'cascade.open'>): Applied {
  const opened = writing.db.get<{ id: number }>(
    `insert into cascade (kind, selector, cause, opened_by) select :kind, :selector, :cause, :by where ${fence} returning id`,
    { kind: selector.kind, selector: selectorText(selector), cause, by, ...writing.fence }
  )
  if (!opened) throw lostEpoch('cascade.open')
  // It outlasts the cascade: nothing begins at this mount any more, not even between the last lease and the drop of its rows. No token of its lives from here on.
  if (selector.kind === 'mount' || selector.kind === 'auth') {
    writing.db.run('insert into mount_end (mount, dropped) values (:mount, 0) on conflict do nothing', { mount: selector.mount })
  }
  return { applied: true, cascade: opened.id }
}

function selectorText(selector: ChangeOf<'cascade.open'>['selector']): string {
  switch (selector.kind) {
    case 'token':
      return selector.hash
    case 'prefix':
      return selector.prefix
    case 'mount':
    case 'auth':
      return selector.mount
    case 'subject':
      return [selector.mount, selector.subject].join('\n')
    case 'holder':
      return [selector.holder, selector.mount, selector.value].join('\n')
    default:
      return unhandled(selector)
  }
}

export function workCascade(writing: Writing, { id, limit }: ChangeOf<'cascade.work'>): Applied {
  const cascade = writing.db.get<CascadeRow>(`select * from cascade where id = :id and ${fence}`, { id, ...writing.fence })
  if (!cascade) return { applied: false, count: 0 }
  const { count, more } = cascade.kind === 'holder' ? walkHeld(writing, cascade, limit) : workBatch(writing, cascade, limit)
  if (!more) writing.db.run(`delete from cascade where id = :id and ${fence}`, { id, ...writing.fence })
  return { applied: true, count, more }
}

interface Batch {
  readonly count: number
  readonly more: boolean
}

/** A full batch may have left something behind; the next one finds out. */
function workBatch(writing: Writing, cascade: CascadeRow, limit: number): Batch {
  const count = endSelected(writing, cascade, limit)
  return { count, more: count >= limit }
}

function endSelected(writing: Writing, cascade: CascadeRow, limit: number): number {
  if (cascade.kind === 'auth') return endLogins(writing, cascade, limit)
  if (cascade.kind === 'holder') throw new Error('who holds what is walked')
  let count = endLeases(writing, cascade, cascade.kind, limit)
  if (cascade.kind !== 'token') return count
  if (count < limit) count += partWithChildren(writing, cascade, limit - count)
  if (count < limit) count += emptyCubbyhole(writing, cascade, limit - count)
  return count
}

const emptySql = `delete from entry where space = :space and ${fence} and key in (select key from entry where space = :space order by key limit :limit)`

/** What the token kept for itself. Nobody can have asked for it since the token ended. */
function emptyCubbyhole({ db, fence: run }: Writing, { selector }: CascadeRow, limit: number): number {
  return db.run(emptySql, { space: cubbyholeSpace(selector), limit, ...run })
}

const loginsSql = `select hash from token where auth_mount = :mount and ended_at is null limit :limit`

/** The tokens that an auth method gave end, each with a cascade of its own. */
function endLogins(writing: Writing, { selector, cause, opened_by }: CascadeRow, limit: number): number {
  const tokens = writing.db.all<{ hash: string }>(loginsSql, { mount: selector, limit })
  for (const { hash } of tokens) endToken(writing, { kind: 'token.end', hash, cause, by: opened_by })
  return tokens.length
}

interface Step {
  readonly number: number
  readonly at: number | string
}

// Nothing begins below an open cascade, so a place that it has passed stays passed: the cursor is what makes every batch cost the same.
const selectSql = {
  token: `select number, number as at from lease
    where token = :selector and state <> 'revoked' and outlives_token = 0 and number > cast(:cursor as integer) order by number limit :limit`,
  mount: `select number, number as at from lease where mount = :selector and state <> 'revoked' and number > cast(:cursor as integer) order by number limit :limit`,
  subject: `select number, number as at from lease indexed by lease_subject
    where subject = substr(:selector, instr(:selector, char(10)) + 1) and mount = substr(:selector, 1, instr(:selector, char(10)) - 1)
      and state <> 'revoked' and number > cast(:cursor as integer) order by number limit :limit`,
  prefix: `select number, id as at from lease where ${beginsWith('id', ':selector')} and id > :cursor and state <> 'revoked' order by id limit :limit`
} as const

function endLeases(writing: Writing, cascade: CascadeRow, kind: keyof typeof selectSql, limit: number): number {
  const { selector, cursor } = cascade
  const steps = writing.db.all<Step>(selectSql[kind], { selector, cursor, limit })
  const last = steps.at(-1)
  if (last) reach(writing, cascade, steps, String(last.at))
  return steps.length
}

const childrenSql = `select hash from token where parent = :parent and ended_at is null limit :limit`

/** Children end with cascades of their own; those of a token that left its children behind become orphans. */
function partWithChildren(writing: Writing, { selector, cause, opened_by }: CascadeRow, limit: number): number {
  const { db } = writing
  const orphaning = db.holds('exists (select 1 from token where hash = :hash and orphaned = 1)', { hash: selector })
  const children = db.all<{ hash: string }>(childrenSql, { parent: selector, limit })
  for (const { hash } of children) {
    if (orphaning) db.run(`update token set parent = null where hash = :hash and ${fence}`, { hash, ...writing.fence })
    else endToken(writing, { kind: 'token.end', hash, cause, by: opened_by })
  }
  return children.length
}

/** Conditions that several statements carry. Each is plain SQL with named parameters, so that what is checked and what is changed is one statement. */

/** The token at `hash` and every ancestor live at `:now`. The line ends at an orphan, or below a parent that ended and left its children behind; a parent that
 *  is missing ends it in death: doubt means less access. A token of an auth method that is being disabled lives no more, although its row may not say so yet. */
export function tokenLives(hash: string): string {
  return `(with recursive line(parent, lives) as (
    select parent, ${lives} from token t where hash = ${hash}
    union all
    select case when t.orphaned = 1 then null else t.parent end, t.orphaned = 1 or (${lives})
      from line join token t on t.hash = line.parent
      where line.lives
    limit 40)
  select min(lives) = 1 and max(parent is null) = 1 from line)`
}

const lives = `t.ended_at is null and (t.expires_at is null or t.expires_at > :now)
      and (t.auth_mount is null or not exists (select 1 from mount_end where mount = t.auth_mount))`

/** When the first expires of the token at `hash` and its ancestors, as far as `tokenLives` looks; null: none does. */
export function lineEnd(hash: string): string {
  return `(with recursive line(parent, until) as (
    select parent, expires_at from token where hash = ${hash}
    union all
    select case when t.orphaned = 1 then null else t.parent end, case when t.orphaned = 1 then null else t.expires_at end
      from line join token t on t.hash = line.parent
    limit 40)
  select min(until) from line)`
}

/** No open cascade covers a lease, and its mount is not ending. Its columns are parameters (`:`) or of a row (`lease.`). A token's cascade needs no look: its token has ended. */
export function uncovered(of: ':' | 'lease.'): string {
  const [mount, id, subject] = [`${of}mount`, `${of}id`, `${of}subject`]
  const held = (['entity', 'accessor', 'display_name'] as const).flatMap(holder =>
    [`''`, mount].map(at => `'${holder}' || char(10) || ${at} || char(10) || ${of}${holder}`)
  )
  // Hardly ever is one open: then the first line is all.
  return `(not exists (select 1 from cascade) or (
    not exists (select 1 from cascade where kind = 'mount' and selector = ${mount})
    and not exists (select 1 from cascade where kind = 'prefix' and selector <= ${id} and substr(${id}, 1, length(selector)) = selector)
    and not exists (select 1 from cascade where kind = 'subject' and selector = ${mount} || char(10) || ${subject})
    and not exists (select 1 from cascade where kind = 'holder' and selector in (${held.join(', ')}))))
    and not exists (select 1 from mount_end where mount = ${mount})`
}

/** Ids that begin with a prefix: binary order, and nothing sorts behind the last code point. */
export function beginsWith(column: string, prefix: string): string {
  return `${column} >= ${prefix} and ${column} < ${prefix} || char(1114111)`
}

/** A live claim: whoever holds it is at the target now. */
export const claimed = `(state = 'revoking' and claim_until is not null and claim_until > :now)`

/** Claimed, or claimed and not settled since (its target failed, its claim ran out): it may still be given back as not due by the target's clock. */
const taken = `(${claimed} or (state = 'revoking' and prior_state is not null))`

/** Sets of an update that makes leases due at `:now` with `:cause`. The first cause stays. A claimed lease keeps its version, so that the outcome still settles; what
 *  was asked for meanwhile counts as asked before the claim, and is there when the lease is given back. */
export const becomesDue = `
  due_at = case when ${claimed} then due_at else min(due_at, :now) end,
  cause = case when ${taken} then cause else coalesce(cause, :cause) end,
  prior_cause = case when ${taken} then coalesce(prior_cause, :cause) else prior_cause end,
  version = version + case when ${claimed} then 0 else 1 end`

/** Not due yet, or due only by its time: a cause is still worth writing. */
export const notYetDue = `state <> 'revoked' and (cause is null or due_at > :now or (${taken} and prior_cause is null))`

import { unhandled } from '../../../contracts/index.ts'
import { leaseColumns } from '../rows/lease-row.ts'
import type { LeaseRow } from '../rows/lease-row.ts'
import { changed, cutError, fence } from './writing.ts'
import type { Applied, ChangeOf, Writing } from './writing.ts'

// What it was is kept, so that a lease that turns out not to be due is given back; its cause is told even when nobody named one.
const claimSql = `update lease set state = 'revoking', version = version + 1, claim_epoch = :epoch, claim_until = :until,
    prior_state = case when state = 'revoking' then prior_state else state end,
    prior_cause = case when state = 'revoking' then prior_cause else cause end,
    cause = coalesce(cause, case when state = 'issuing' then 'issue-failed' else 'expired' end)
  where ${fence} and number in (
    select number from lease
     where target_id = :target and state <> 'revoked' and ready_at <= :dueBefore and (claim_until is null or claim_until <= :now)
     order by ready_at limit :limit)
  returning ${leaseColumns}`

export function claimLeases(writing: Writing, { target, dueBefore, limit, until }: ChangeOf<'lease.claim'>): Applied {
  const leases = writing.db.all<LeaseRow>(claimSql, { target, dueBefore, limit, until, now: writing.now, ...writing.fence })
  leases.sort((a, b) => a.due_at - b.due_at)
  return { ...changed(leases.length), leases }
}

// A claim that has run out holds until somebody else takes the lease: that raises its version.
const held = `id = :id and version = :version and state = 'revoking' and claim_epoch = :epoch and ${fence}`
const released = 'version = version + 1, claim_epoch = null, claim_until = null'
const proceeds = `${released}, prior_state = null, prior_cause = null`

const settleSql = {
  gone: `update lease set state = 'revoked', revoked_at = :now, ended_at = coalesce(ended_at, :now), closed_at = :now, last_error = null, ${proceeds} where ${held}`,
  ended: `update lease set ended_at = coalesce(ended_at, :now), due_at = :again, failures = 0, last_error = :text, ${proceeds} where ${held}`,
  outlives: `update lease set due_at = :again, outlives_until = :until, failures = 0, last_error = :text, ${proceeds} where ${held}`,
  failed: `update lease set due_at = :again, failures = failures + 1, last_error = :text, ${proceeds} where ${held}`,
  // Asked for by somebody before or during the claim: it is due at once whatever the clocks say.
  early: `update lease set state = coalesce(prior_state, 'revoking'), cause = case when prior_state is null then cause else prior_cause end,
    due_at = case when prior_cause is null then :again else :now end, ${proceeds} where ${held}`
} as const

export function settleLeases(writing: Writing, { settlements }: ChangeOf<'lease.settle'>): Applied {
  const audit: string[] = []
  let count = 0
  for (const settlement of settlements) {
    if (!settle(writing, settlement)) continue
    count++
    audit.push(...(settlement.audit ?? []))
  }
  return { ...changed(count), audit }
}

function settle({ db, now, fence }: Writing, settlement: ChangeOf<'lease.settle'>['settlements'][number]): boolean {
  const { id, version } = settlement
  const claim = { id, version, ...fence }
  switch (settlement.outcome) {
    case 'gone':
      return db.run(settleSql.gone, { ...claim, now }) > 0
    case 'ended':
      return db.run(settleSql.ended, { ...claim, now, again: settlement.again, text: cutError(settlement.waiting) }) > 0
    case 'outlives':
      return db.run(settleSql.outlives, { ...claim, again: settlement.again, until: settlement.until, text: cutError(settlement.why) }) > 0
    case 'failed':
      return db.run(settleSql.failed, { ...claim, again: settlement.again, text: cutError(settlement.error) }) > 0
    case 'early':
      return db.run(settleSql.early, { ...claim, now, again: settlement.again }) > 0
    default:
      return unhandled(settlement)
  }
}

const deadEpoch = (column: string) => `not exists (select 1 from node where node.epoch = lease.${column})`

const takeOverSql = {
  issuing: `update lease set due_at = min(due_at, :now), cause = coalesce(cause, 'node-lost'), version = version + 1
    where state = 'issuing' and cause is not 'node-lost' and ${deadEpoch('epoch')} and ${fence}`,
  // Those of this very run were left by a sweeper that a seal has ended.
  claims: `update lease set claim_epoch = null, claim_until = null, version = version + 1
    where claim_epoch is not null and (claim_epoch = :epoch or ${deadEpoch('claim_epoch')}) and ${fence}`
} as const

export function takeOverLeases(writing: Writing): Applied {
  const count = writing.db.run(takeOverSql.issuing, { now: writing.now, ...writing.fence })
  const givenBack = writing.db.run(takeOverSql.claims, { ...writing.fence })
  return { applied: count + givenBack > 0, count }
}

import type { Issuance, Issued } from '../../contracts/index.ts'
import type { Lease } from '../../lease/lease.ts'
import type { Ttl } from '../../lease/ttl.ts'
import type { Call } from '../door/core-path.ts'
import type { Answered } from '../door/exchange.ts'
import type { IssuedOutcome } from '../door/reply.ts'
import type { Parts } from '../parts.ts'
import { weaknesses } from './weaknesses.ts'

/** What the caller is told of a credential. */
export function issuedOutcome(parts: Parts, lease: Lease, ttl: Ttl, plan: Issuance, issued: Issued, call: Call): IssuedOutcome {
  const expiresAt = issued.until ?? lease.expiresAt
  const seconds = Math.max(0, Math.min(ttl.seconds, Math.ceil((expiresAt.epochMilliseconds - parts.clock.now().epochMilliseconds) / 1_000)))
  const warnings = [
    ...ttl.warnings,
    ...(plan.warnings ?? []),
    ...(issued.warnings ?? []),
    ...weaknesses(plan.guarantees),
    ...tokenEndsFirst(call, plan, expiresAt)
  ]
  return { issued: { id: lease.id, renewable: plan.renewable, seconds, data: issued.secret }, warnings: [...new Set(warnings)] }
}

function tokenEndsFirst(call: Call, plan: Issuance, expiresAt: Temporal.Instant): readonly string[] {
  const end = call.identity.token?.expiresAt
  if (plan.outlivesToken || !end || Temporal.Instant.compare(end, expiresAt) >= 0) return []
  return [`the token ends at ${end.toString({ smallestUnit: 'second' })}, before this lease, and ends it unless it is renewed`]
}

/** What the audit is told of it. */
export function issuedAnswer(plan: Issuance, lease: Lease, issued: Issued, expiresAt: Temporal.Instant): Answered {
  return {
    leaseId: lease.id,
    outcome: { data: issued.secret.reveal() },
    issued: {
      ...plan.visible,
      ...issued.visible,
      role: plan.role,
      target: plan.target,
      guarantees: plan.guarantees,
      expire_time: expiresAt.toString()
    },
    ...(plan.warnings ? { warnings: plan.warnings } : {})
  }
}

import { BrokerError } from '../../contracts/index.ts'
import type { RevokeOutcome } from '../../contracts/index.ts'
import type { Lease } from '../../lease/lease.ts'
import type { Parts } from '../parts.ts'

/** Access ends once: with the first outcome that says so. */
export function meterOutcome({ meter, clock }: Pick<Parts, 'meter' | 'clock'>, lease: Lease, outcome: RevokeOutcome): void {
  const over = lease.endedAt === null && (outcome.kind === 'gone' || outcome.kind === 'ended')
  const due = lease.cause === 'expired' ? lease.expiresAt : lease.dueAt
  meter.revoked(outcome.kind, over ? (clock.now().epochMilliseconds - due.epochMilliseconds) / 1_000 : undefined)
  if (outcome.kind === 'failed') meter.revocationFailed(codeOf(outcome.error))
}

/** For a label: our own word, never a driver's. */
export function codeOf(error: unknown): string {
  return error instanceof BrokerError ? error.code : 'other'
}

/** When a static role's password changes. Pure. */
import type { Random } from 'mayfly/plugin'
import { cronNext, readCron } from './cron.ts'
import type { StaticCredential, StaticRole } from './static-role.ts'

// So long before its time the next password is chosen and made durable: what reads on time then finds the new one.
const leadMsMax = 30_000

// Roles that were written together must not rotate together for ever: each comes up to a hundredth of its period early.
const jitterMsMax = 60_000

export function nextRotation(role: Pick<StaticRole, 'period' | 'schedule'>, from: Temporal.Instant, random: Random): Temporal.Instant {
  if (role.schedule !== null) return cronNext(readCron(role.schedule), from)
  const periodMs = (role.period ?? 0) * 1_000
  return from.add({ milliseconds: periodMs - random.below(Math.floor(Math.min(jitterMsMax, periodMs / 100)) + 1) })
}

export function preparedAt({ rotatedAt, nextAt }: StaticCredential): Temporal.Instant {
  const next = Temporal.Instant.from(nextAt)
  const between = rotatedAt === null ? 0 : next.epochMilliseconds - Temporal.Instant.from(rotatedAt).epochMilliseconds
  return next.subtract({ milliseconds: Math.min(leadMsMax, Math.max(0, Math.floor(between / 2))) })
}

export function isDue({ nextAt }: StaticCredential, now: Temporal.Instant): boolean {
  return Temporal.Instant.compare(Temporal.Instant.from(nextAt), now) <= 0
}

/** Whole seconds until the next rotation; 0 only while it is due. */
export function secondsLeft({ nextAt }: StaticCredential, now: Temporal.Instant): number {
  return Math.max(0, Math.ceil((Temporal.Instant.from(nextAt).epochMilliseconds - now.epochMilliseconds) / 1_000))
}

/** Whether a rotation that has not succeeded yet must wait for its next time. */
export function isPastWindow(role: StaticRole, { nextAt, password }: StaticCredential, now: Temporal.Instant): boolean {
  if (role.window === null || role.schedule === null || password === null) return false
  return Temporal.Instant.compare(Temporal.Instant.from(nextAt).add({ seconds: role.window }), now) < 0
}

import { parseDuration } from '../../contracts/index.ts'
import type { Typed } from '../typed.ts'
import { UsageError } from '../usage-error.ts'
import { loginOptions } from './log-in.ts'

/** What everything takes that runs a program with a credential. */
export const runOptions = {
  '--ttl <time>': 'how long each renewal lasts, and so how long a credential may outlive this command when that is killed (5m)',
  '--verbose': 'say which leases there are',
  ...loginOptions
}

// Short enough to be a small thing to lose, long enough that a restart of the broker is not noticed.
const ttlSecondsDefault = 300
const overlapSecondsDefault = 30
const killAfterSecondsDefault = 30

export function runTimes(typed: Typed): { readonly leaseSeconds: number; readonly overlapMs: number; readonly killAfterMs: number } {
  const leaseSeconds = seconds('ttl', typed.text('ttl'), ttlSecondsDefault)
  if (leaseSeconds === 0) throw new UsageError('ttl: expected more than nothing')
  return {
    leaseSeconds,
    overlapMs: seconds('overlap', typed.text('overlap'), overlapSecondsDefault) * 1_000,
    killAfterMs: seconds('kill-after', typed.text('killAfter'), killAfterSecondsDefault) * 1_000
  }
}

function seconds(name: string, said: string | undefined, otherwise: number): number {
  if (said === undefined) return otherwise
  try {
    return parseDuration(said) ?? otherwise
  } catch (cause) {
    throw new UsageError(`${name}: expected a time such as 90s or 5m`, { cause })
  }
}

/** The fault switch: what goes wrong with the next calls, kept in the target's own file so that it outlives a SIGKILL and works across processes. */
import { BrokerError, field, z } from 'mayfly/plugin'
import { inTarget } from './target.ts'

const effects = ['issue', 'renew', 'revoke'] as const
export type Effect = (typeof effects)[number]

export const faultFields = {
  effect: z.enum(effects, 'expected issue, renew or revoke'),
  fault: z.enum(['fail_before', 'fail_after', 'hang', 'lose_reply', 'none'], 'expected fail_before, fail_after, hang, lose_reply or none'),
  /** How many calls; `always` when absent. */
  count: field.integer()
}
export type Fault = z.output<(typeof faultFields)['fault']>

export function setFault(file: string, effect: Effect, fault: Fault, count: number | undefined): void {
  inTarget(file, target => target.prepare('insert or replace into faults values (?, ?, ?)').run(effect, fault, count ?? null))
}

/** Does `work` on the target, unless a fault is set for this effect. */
export async function withFaults<T>(file: string, effect: Effect, signal: AbortSignal, work: () => T): Promise<T> {
  if (signal.aborted) throw silent(signal)
  const fault = takeFault(file, effect)
  if (fault === 'fail_before') throw new BrokerError('target_refused', 'the target failed before the effect')
  if (fault === 'hang') return silence(signal)
  const result = work()
  if (fault === 'fail_after') throw new BrokerError('target_unreachable', 'the target failed after the effect')
  if (fault === 'lose_reply') return silence(signal)
  return result
}

function takeFault(file: string, effect: Effect): Fault {
  return inTarget(file, target => {
    const row = target.prepare('select fault, remaining from faults where effect = ? and (remaining is null or remaining > 0)').get(effect)
    target.prepare('update faults set remaining = remaining - 1 where effect = ? and remaining > 0').run(effect)
    return row ? (row['fault'] as Fault) : 'none'
  })
}

/** No answer, until whoever waits gives up. */
function silence(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(silent(signal))
    signal.addEventListener('abort', () => reject(silent(signal)), { once: true })
  })
}

const silent = (signal: AbortSignal) => new BrokerError('target_silent', 'the target gave no answer in time', { cause: signal.reason })

import type { TargetId } from '../contracts/index.ts'
import type { Parts } from './parts.ts'

const askLimitMs = 5_000

/** This host's wall clock is ahead of the store's time. Targets that have leases due by it are asked: one whose clock agrees settles the matter, and everything goes its usual
 *  way by the right time. Gives the targets that have no clock, once they have waited long enough for somebody else to tell. */
export async function unaskable(parts: Parts, wall: Temporal.Instant, signal: AbortSignal): Promise<readonly TargetId[]> {
  const silent: TargetId[] = []
  for (const { target } of (await parts.store.dueWork(wall)).targets) {
    const credential = parts.mounts.credentialIfThere(target.mount, target.credential)
    if (!credential?.now) silent.push(target.id)
    else if (parts.time.confirm(await ask(parts, () => credential.now!(target.id, signal)))) {
      parts.log.warn('the clock of a target confirms the wall clock: this host slept, and its time is right', { target: target.id })
      return []
    }
  }
  parts.log.error('the wall clock is ahead of the time of the store and nobody confirms it: nothing is issued', {
    wall: wall.toString(),
    store: parts.clock.now().toString()
  })
  return parts.time.suspectLongEnough() ? silent : []
}

const never = Temporal.Instant.fromEpochMilliseconds(0)

async function ask(parts: Parts, now: () => Promise<Temporal.Instant>): Promise<Temporal.Instant> {
  using deadline = parts.clock.within(askLimitMs)
  const given = new Promise<Temporal.Instant>(resolve => deadline.signal.addEventListener('abort', () => resolve(never), { once: true }))
  return Promise.race([now().catch(() => never), given])
}

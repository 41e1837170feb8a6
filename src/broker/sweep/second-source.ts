import type { CredentialType, TargetId } from '../../contracts/index.ts'
import type { Target } from '../../store/store.ts'
import { onAbort } from '../on-abort.ts'
import type { Parts } from '../parts.ts'

const askLimitMs = 5_000

// Where nothing is due some others are asked: a host that slept must not stop issuing until a lease happens to end.
const othersMax = 8

/** This host's wall clock is ahead of the store's time. Targets that have leases due by it are asked, and some others, all at once: one whose clock agrees settles the matter, and
 *  everything goes its usual way by the right time. Gives the due targets that have no clock, once they have waited long enough for somebody else to tell. */
export async function unaskable(parts: Parts, wall: Temporal.Instant, signal: AbortSignal): Promise<readonly Target[]> {
  const withCredential = (target: Target) => ({ target, credential: parts.mounts.credentialIfThere(target.mount, target.credential) })
  const due = (await parts.store.dueWork(wall)).targets.map(({ target }) => withCredential(target))
  const others = (await parts.store.targets())
    .map(withCredential)
    .filter(({ target, credential }) => !target.retired && credential?.now !== undefined)
  const asked = [...new Map([...due, ...others.slice(0, othersMax)].map(one => [one.target.id, one])).values()]
  const told = await Promise.all(
    asked.map(async ({ target, credential }) => ({ target, time: await ask(parts, target.id, credential, signal) }))
  )
  const witness = told.find(({ time }) => time && parts.time.confirm(time))
  if (witness) {
    parts.log.warn('the clock of a target confirms the wall clock: this host slept, and its time is right', { target: witness.target.id })
    return []
  }
  parts.log.error('the wall clock is ahead of the time of the store and nobody confirms it: nothing is issued', {
    wall: wall.toString(),
    store: parts.clock.now().toString()
  })
  return parts.time.suspectLongEnough() ? due.filter(({ credential }) => !credential?.now).map(({ target }) => target) : []
}

/** What the target's clock says; nothing when it has none, or does not answer in time. */
async function ask(
  parts: Parts,
  target: TargetId,
  credential: CredentialType | undefined,
  signal: AbortSignal
): Promise<Temporal.Instant | undefined> {
  if (!credential?.now) return undefined
  using deadline = parts.clock.within(askLimitMs, signal)
  const given = new Promise<undefined>(resolve => onAbort(deadline.signal, () => resolve(undefined)))
  const answered = (async () => credential.now!(target, deadline.signal))().catch(() => undefined)
  return await Promise.race([answered, given])
}

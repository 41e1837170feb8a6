/** What a held store is: the operator knows, and says so. `restored`: it takes the place of the store that it is an older state of. `copy`: that store lives on.
 *
 *  Both begin with a durable word, so that a resume that is cut off can be repeated and cannot be finished the other way.
 *
 *  Restored: first every target is compared with the leases. What was renewed after the backup gets its end from the target, and is not ended by its old row; what was issued
 *  after the backup is found by its mark and treated by the policy of its mount. Only then anything is swept. A target that does not answer holds the rest up, unless the
 *  operator forces it.
 *
 *  A copy: nothing in a target is its own. Its leases become history, the scheduled tasks of its backends go (a rotation here would lock the original out), and its marks are those of a new
 *  instance from then on. */
import { BrokerError } from '../../contracts/index.ts'
import type { JsonObject } from '../../contracts/index.ts'
import type { ResumeAs } from '../../store/change.ts'
import type { Call } from '../door/core-path.ts'
import { commit } from '../door/exchange.ts'
import type { Parts } from '../parts.ts'
import type { Outcome } from '../door/request.ts'
import { rotateKeys } from '../keys/rotate-keys.ts'
import { uuid } from '../uuid.ts'

// One statement over a million leases would hold the only writer for 20 s.
const leasesAtOnceMax = 1_000
const namesToldMax = 5

const tokensWarning =
  'a token that was ended after the backup is good again: end what should not be; secret ids with counted uses and what waited wrapped are gone: make new ones'
const rightsWarning =
  'the tokens, passwords and keys of the original are good here too: end the tokens, and give each target settings of its own'

export function resume(call: Call<unknown>, as: ResumeAs, force: boolean): Outcome {
  const { parts } = call
  call.change({ kind: 'held.begin', as })
  return { wait: () => (as === 'restored' ? takeThePlace(parts, force) : liveApart(parts)) }
}

async function takeThePlace(parts: Parts, force: boolean): Promise<Outcome> {
  await parts.hold.readAgain()
  const { targets } = await parts.reconciler.run({ restored: true })
  const failed = targets.filter(({ error }) => error !== undefined).map(({ target }) => target)
  if (failed.length > 0 && !force) throw notCompared(failed)
  await lift(parts, 'restored')
  return {
    data: {
      resumed: 'restored',
      targets: targets.length,
      not_compared: failed,
      renewed: sum(targets.map(({ prolongedCount }) => prolongedCount ?? 0)),
      without_lease: sum(targets.map(({ orphanCount }) => orphanCount)),
      without_object: sum(targets.map(({ missingCount }) => missingCount))
    },
    warnings: [tokensWarning]
  }
}

function notCompared(failed: readonly string[]): BrokerError {
  const names = `${failed.slice(0, namesToldMax).join(', ')}${failed.length > namesToldMax ? ' and others' : ''}`
  return new BrokerError(
    'conflict',
    `not resumed, because ${failed.length} of the targets could not be compared with the leases (${names}): what was renewed there after the backup would end early; resume again when they answer, or with force`
  )
}

async function liveApart(parts: Parts): Promise<Outcome> {
  await parts.hold.readAgain()
  const leases = await setAside(parts)
  const instance = uuid(parts.random)
  const tasks = await lift(parts, 'copy', { instance, tasksOf: mountsWithTargets(parts) })
  const data: JsonObject = { resumed: 'copy', instance, leases_set_aside: leases, tasks_dropped: tasks }
  return { data, warnings: [rightsWarning] }
}

async function setAside(parts: Parts): Promise<number> {
  for (let total = 0; ;) {
    const [done] = await commit(parts, [{ kind: 'held.setAside', now: parts.clock.now(), limit: leasesAtOnceMax }], [])
    total += done?.count ?? 0
    if ((done?.count ?? 0) < leasesAtOnceMax) return total
  }
}

/** What auth methods do by themselves touches nothing but the store, which is the copy's own. */
function mountsWithTargets({ mounts }: Parts): readonly string[] {
  return mounts.all.map(({ record }) => record).flatMap(({ path, uuid }) => (path.startsWith('auth/') ? [] : [uuid]))
}

async function lift(
  parts: Parts,
  as: ResumeAs,
  apart: { readonly instance?: string; readonly tasksOf?: readonly string[] } = {}
): Promise<number> {
  // The other store goes on counting, or has counted, encryptions of the same key. Before the lift: a crash between the two would leave both sealing with it.
  await rotateKeys(parts, 'resumed')
  await parts.at('resume:before-lift')
  const [lifted] = await commit(parts, [{ kind: 'held.lift', now: parts.clock.now(), as, ...apart }], [])
  await parts.at('resume:after-lift')
  await parts.resumed(apart.instance)
  return lifted?.count ?? 0
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0)
}

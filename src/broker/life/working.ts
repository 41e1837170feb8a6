/** All that runs while the broker is unsealed: the parts of the use cases, the sweeper, the audit's streams and checkpoints, reconciling and pruning. */
import { issueGraceMs } from '../../lease/lease.ts'
import { Barrier } from '../../seal/barrier.ts'
import type { StoredKeyring } from '../../seal/stored-keyring.ts'
import { AuditDevices } from '../trail/audit-devices.ts'
import { Background } from './background.ts'
import { Checkpoints } from '../trail/checkpoints.ts'
import { Circuits } from '../sweep/circuits.ts'
import { finishEndings } from '../mounts/disable-mount.ts'
import { Inspection } from './inspection.ts'
import { Keys } from '../keys/keys.ts'
import { LeaseWatch } from '../leases/lease-watch.ts'
import { Lockouts } from '../login/lockouts.ts'
import type { Hold } from './hold.ts'
import type { LifeParts } from './life.ts'
import { Meter } from '../meter/meter.ts'
import { Mounts } from '../mounts/mounts.ts'
import type { Parts } from '../parts.ts'
import { Observer } from '../observe/observer.ts'
import { Policies } from '../mounts/policies.ts'
import { prune } from './prune.ts'
import { Reconciler } from '../reconcile/reconcile.ts'
import { RefusalRate } from '../door/refusal-rate.ts'
import { Resealer } from '../keys/reseal.ts'
import { rotateWhenDue } from '../keys/rotate-keys.ts'
import { SealedRecipes } from '../leases/sealed-recipes.ts'
import { SinkStreams } from '../trail/sink-streams.ts'
import { Sweeper } from '../sweep/sweeper.ts'
import { TargetHealths } from '../sweep/target-healths.ts'
import { TargetGates } from '../leases/target-gates.ts'
import { TaskWatch } from '../sweep/task-wait.ts'
import { TimeKeeper } from '../time-keeper.ts'
import { Trail } from '../trail/trail.ts'

const pruneEveryMs = 60_000
// How often it is asked what of reconciling is due.
const reconcileTickMs = 30_000
const countsEveryMs = 1_000
const endingsEveryMs = 10_000
const keysEveryMs = 60_000

export interface Working extends AsyncDisposable {
  readonly parts: Parts
}

export async function startWorking(
  life: LifeParts,
  keyring: StoredKeyring,
  instance: string,
  hold: Hold,
  sealNow: () => void
): Promise<Working> {
  const time = new TimeKeeper(life.clock, await life.store.timeMark())
  const stack = new AsyncDisposableStack()
  try {
    const parts = await assemble(life, keyring, instance, time, hold, sealNow, stack)
    const checkpoints = new Checkpoints(parts)
    // Signs what came last: when nothing else comes any more, and before the streams end.
    stack.defer(() => checkpoints.sign())
    stack.use(parts.reconciler)
    record(parts, checkpoints, stack)
    Object.assign(parts, { resumed: instance => goOn(parts, stack, instance) } satisfies Partial<Parts>)
    if (hold.held) life.log.warn('the store is held: it only reads until an operator resumes it', { cause: hold.held.cause })
    else await begin(parts, stack)
    return { parts, [Symbol.asyncDispose]: () => stack.disposeAsync() }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

async function assemble(
  life: LifeParts,
  keyring: StoredKeyring,
  instance: string,
  time: TimeKeeper,
  hold: Hold,
  sealNow: () => void,
  stack: AsyncDisposableStack
): Promise<Parts> {
  stack.use(keyring)
  const { barrier, keys } = await openBarrier(life, keyring, time, stack)
  const { settings, random, log, store, at } = life
  const base = {
    settings,
    clock: time,
    time,
    random,
    log,
    store,
    barrier,
    keys,
    meter: new Meter(),
    healths: new TargetHealths({ clock: time, store }),
    instance,
    hold,
    at,
    sealNow,
    wake: () => undefined
  }
  const trail = await Trail.open(base)
  const mounts = stack.use(new Mounts(base, life.catalog, life.core))
  const policies = new Policies(base)
  const sinks = stack.use(new SinkStreams(base))
  const parts: Parts = {
    ...base,
    trail,
    mounts,
    policies,
    sinks,
    gates: new TargetGates(time),
    recipes: new SealedRecipes(barrier),
    circuits: new Circuits(time),
    watch: new LeaseWatch(time),
    taskWatch: new TaskWatch(time),
    lockouts: new Lockouts(time),
    refusals: new RefusalRate(time),
    inspection: new Inspection(base),
    resumed: () => Promise.resolve(),
    // Set in the next line: it needs the parts that it is one of.
    reconciler: undefined as unknown as Reconciler
  }
  Object.assign(parts, { reconciler: new Reconciler(parts) })
  await policies.load()
  await mounts.load()
  for (const sink of await life.sinks(trail.checkpointKeyId)) await sinks.add(sink)
  const devices = new AuditDevices(parts, path => life.openSink(path, trail.checkpointKeyId))
  sinks.reload = () => devices.load()
  await devices.load()
  return parts
}

/** What a held store may do too: it records. */
function record(parts: Parts, checkpoints: Checkpoints, stack: AsyncDisposableStack): void {
  const loops = stack.use(new Background(parts.clock, parts.log))
  loops.loop('checkpoints', checkpoints.everyMs, () => checkpoints.sign())
  loops.loop('refusal counts', countsEveryMs, () => parts.trail.writeCounts())
}

/** Everything that ends, changes or looks after what is outside. */
async function begin(parts: Parts, stack: AsyncDisposableStack): Promise<void> {
  await takeOver(parts)
  await openCircuits(parts)
  const sweeper = stack.use(new Sweeper(parts))
  Object.assign(parts, { wake: () => sweeper.wake() } satisfies Partial<Parts>)
  sweeper.start()
  background(parts, stack)
  // Before the loops end: what it has under way must not keep them.
  stack.defer(() => parts.reconciler[Symbol.dispose]())
}

/** All of it or nothing: a broker that issues and does not sweep is worse than one that is sealed. */
async function goOn(parts: Parts, stack: AsyncDisposableStack, instance: string | undefined): Promise<void> {
  try {
    await parts.hold.readAgain()
    if (instance !== undefined) {
      Object.assign(parts, { instance })
      await parts.mounts.become(instance)
    }
    await begin(parts, stack)
  } catch (error) {
    parts.log.error('the store is held no longer, and the broker cannot begin its work: it is sealed', {}, error)
    parts.sealNow()
    throw error
  }
}

async function openBarrier(life: LifeParts, keyring: StoredKeyring, clock: TimeKeeper, stack: AsyncDisposableStack) {
  const { random, store, log, at, seal } = life
  const barrier = stack.adopt(Barrier.create(keyring.keyring, random), own => own.destroy())
  // Ends before the barrier does: what was counted and not made is given back.
  const keys = stack.use(await Keys.open({ seal, store, barrier, clock, random, log, at }, keyring))
  return { barrier, keys }
}

/** What was being issued when an earlier run of this node died is due at once: crash recovery is the same path as expiry. */
async function takeOver(parts: Parts): Promise<void> {
  await parts.at('boot:mid-takeover')
  const [result] = await parts.store.commit([{ kind: 'lease.takeOver', now: parts.clock.now() }], [])
  if (result?.count)
    parts.log.info('leases of an earlier run were being issued; they are revoked now', { leases: result.count, grace_ms: issueGraceMs })
}

async function openCircuits(parts: Parts): Promise<void> {
  const now = parts.clock.now().epochMilliseconds
  for (const target of await parts.store.targets()) {
    if (target.failures > 0 && target.retryAt) parts.circuits.opened(target.id, Math.max(0, target.retryAt.epochMilliseconds - now))
  }
}

function background(parts: Parts, stack: AsyncDisposableStack): void {
  const loops = stack.use(new Background(parts.clock, parts.log))
  const resealer = new Resealer(parts)
  loops.loop('rotating keys', keysEveryMs, () => rotateWhenDue(parts))
  loops.loop('sealing anew', keysEveryMs, signal => resealer.turn(signal))
  loops.loop('inspecting the store', 0, signal => parts.inspection.turn(signal))
  loops.loop('pruning', pruneEveryMs, signal => prune(parts, signal))
  loops.loop('ending mounts', endingsEveryMs, () => finishEndings(parts))
  const observer = new Observer(parts)
  loops.loop('observing', 0, signal => observer.turn(signal))
  loops.loop('reconciling', reconcileTickMs, () => parts.reconciler.turn())
}

import type { Clock, Log, Random } from '../contracts/index.ts'
import type { Barrier } from '../seal/barrier.ts'
import type { Store } from '../store/store.ts'
import type { At } from './crash-point.ts'
import type { Mounts } from './mounts/mounts.ts'
import type { Hold } from './life/hold.ts'
import type { Inspection } from './life/inspection.ts'
import type { Keys } from './keys/keys.ts'
import type { Meter } from './meter/meter.ts'
import type { Policies } from './mounts/policies.ts'
import type { Settings } from './settings.ts'
import type { Trail } from './trail/trail.ts'
import type { Circuits } from './sweep/circuits.ts'
import type { TargetHealths } from './sweep/target-healths.ts'
import type { SealedRecipes } from './leases/sealed-recipes.ts'
import type { TargetGates } from './leases/target-gates.ts'
import type { Lockouts } from './login/lockouts.ts'
import type { RefusalRate } from './door/refusal-rate.ts'
import type { LeaseWatch } from './leases/lease-watch.ts'
import type { TaskWatch } from './sweep/task-wait.ts'
import type { Reconciler } from './reconcile/reconcile.ts'
import type { SinkStreams } from './trail/sink-streams.ts'
import type { TimeKeeper } from './time-keeper.ts'

/** Everything that a use case may lean on while the broker is unsealed. Use cases are functions over it. */
export interface Parts {
  readonly settings: Settings
  /** The store's time: its high-water mark plus monotonic elapsed time. */
  readonly clock: Clock
  readonly time: TimeKeeper
  readonly random: Random
  readonly log: Log
  readonly store: Store
  readonly barrier: Barrier
  readonly keys: Keys
  readonly meter: Meter
  readonly instance: string
  readonly trail: Trail
  readonly sinks: SinkStreams
  readonly mounts: Mounts
  readonly policies: Policies
  readonly gates: TargetGates
  readonly recipes: SealedRecipes
  readonly circuits: Circuits
  readonly healths: TargetHealths
  readonly watch: LeaseWatch
  readonly taskWatch: TaskWatch
  readonly lockouts: Lockouts
  readonly refusals: RefusalRate
  readonly reconciler: Reconciler
  readonly hold: Hold
  readonly inspection: Inspection
  /** The store is held no longer: the work of an unsealed broker begins. `instance`: it is a copy, and another instance from now on. */
  readonly resumed: (instance?: string) => Promise<void>
  /** Tells the sweeper that something may be due. */
  readonly wake: () => void
  /** Seals this broker: keys are zeroed, only the documented routes answer. Returns before it is done. */
  readonly sealNow: () => void
  readonly at: At
}

/** Compares what exists in the targets with the leases, both ways. What carries this broker's mark and has no lease is reported, or by the policy of its mount given a lease that ends
 *  it; what a lease stands for and is not there is reported. Never anything else: the reconciler does nothing to a target itself, and never touches what is not proven ours. */
import type { JsonObject, TargetId } from '../../contracts/index.ts'
import { reconcileSettings } from '../mounts/mount.ts'
import type { Parts } from '../parts.ts'
import { reportOf } from './reconcile-report.ts'
import type { ReconcileReport, TargetReport } from './reconcile-report.ts'
import { Suspects } from './reconcile-suspects.ts'
import { reconcileTarget } from './reconcile-target.ts'
import { listedTargets } from './reconcile-targets.ts'
import type { ListedTarget } from './reconcile-targets.ts'

const targetsAtOnceMax = 8
const everyMs = 3_600_000
// A whole run failed: the store did not answer.
const againMs = 60_000
// Whoever starts has other things to do first.
const walkAfterMs = 60_000
const auditNamesMax = 100

export interface ReconcileWanted {
  /** The uuid of one mount. */
  readonly mount?: string
  /** The store is a backup that was put back: a live lease that its target ends later than its row says counts as renewed, and gets that end. */
  readonly restored?: boolean
  /** Nobody waits for it: it may take its time. */
  readonly leisure?: boolean
}

export class Reconciler implements Disposable {
  readonly #parts: Parts
  readonly #stop = new AbortController()
  readonly #suspects = new Suspects()
  readonly #busy = new Map<string, Promise<TargetReport>>()
  readonly #last = new Map<TargetId, TargetReport>()
  #lastTime: string | undefined
  readonly #startedAt: number
  #nextAt = 0

  constructor(parts: Parts) {
    this.#parts = parts
    this.#startedAt = parts.clock.elapsed()
  }

  /** What was found last at each target, or at those of one mount (its path). */
  last(mount?: string): ReconcileReport | undefined {
    if (this.#lastTime === undefined) return undefined
    return reportOf(
      this.#lastTime,
      [...this.#last.values()].filter(one => mount === undefined || one.mount === mount)
    )
  }

  /** Looks at every target that can be listed. A target that is being looked at already is not looked at twice. */
  async run(wanted: ReconcileWanted = {}): Promise<ReconcileReport> {
    const targets = await listedTargets(this.#parts, wanted.mount)
    const reports = await this.#all(targets, wanted)
    if (wanted.mount === undefined) this.#keepOnly(targets)
    return reportOf(this.#lastTime!, reports)
  }

  /** What is due: everything once in a while, and what waits to be seen a second time. */
  async turn(): Promise<void> {
    const now = this.#parts.clock.elapsed()
    if (now >= this.#nextAt) {
      this.#nextAt = now + againMs
      await this.run({ leisure: true })
      this.#nextAt = now + everyMs
      return
    }
    const waiting = [...this.#last.values()].filter(report => this.#isRipe(report, now)).map(({ target }) => target)
    if (waiting.length === 0) return
    const targets = await listedTargets(this.#parts)
    await this.#all(
      targets.filter(({ id }) => waiting.includes(id)),
      { leisure: true }
    )
  }

  #isRipe({ target, mount }: TargetReport, now: number): boolean {
    const { policy, afterMs } = reconcileSettings(this.#parts.mounts.all.find(({ record }) => record.path === mount)?.record.config)
    const ripeAt = policy === 'report' ? undefined : this.#suspects.ripeAt(target, afterMs)
    return ripeAt !== undefined && now >= ripeAt
  }

  /** A few at once, and those last that failed last: a target that hangs keeps no other waiting. */
  async #all(targets: readonly ListedTarget[], wanted: ReconcileWanted): Promise<readonly TargetReport[]> {
    const reports: TargetReport[] = []
    const failed = ({ id }: ListedTarget): number => (this.#last.get(id)?.error === undefined ? 0 : 1)
    const left = targets.toSorted((a, b) => failed(a) - failed(b)).values()
    const work = async () => {
      for (const target of left) if (!this.#stop.signal.aborted) reports.push(await this.#one(target, wanted))
    }
    await Promise.all(Array.from({ length: targetsAtOnceMax }, work))
    // Half a report would say of the other half that all is well.
    this.#stop.signal.throwIfAborted()
    this.#lastTime = this.#parts.clock.now().toString()
    return reports
  }

  #one(target: ListedTarget, { restored = false, leisure = false }: ReconcileWanted): Promise<TargetReport> {
    // Who waits does not wait for one that takes its time.
    const key = `${target.id}\n${restored}\n${leisure}`
    const busy = this.#busy.get(key) ?? this.#look(target, restored, leisure).finally(() => this.#busy.delete(key))
    this.#busy.set(key, busy)
    return busy
  }

  async #look(target: ListedTarget, restored: boolean, leisure: boolean): Promise<TargetReport> {
    const { store, trail } = this.#parts
    const leisureFrom = leisure ? { leisureFrom: this.#startedAt + walkAfterMs } : {}
    const reconciling = { parts: this.#parts, suspects: this.#suspects, restored, ...leisureFrom, signal: this.#stop.signal }
    const report = await reconcileTarget(reconciling, target)
    this.#stop.signal.throwIfAborted()
    this.#last.set(target.id, report)
    if (report.orphanCount + report.missingCount > 0) await store.commit([], [trail.reconciled(auditOf(report))])
    return report
  }

  #keepOnly(targets: readonly ListedTarget[]): void {
    const there = new Set(targets.map(({ id }) => id))
    this.#suspects.keepTargets(there)
    for (const target of this.#last.keys()) if (!there.has(target)) this.#last.delete(target)
  }

  [Symbol.dispose](): void {
    this.#stop.abort()
  }
}

/** With the names that a line may hold; what is not of our own making only as a number. */
function auditOf({ orphans, missing, ...report }: TargetReport): JsonObject {
  const { target, mount, policy, listed, orphanCount, adoptedCount, unmarkedCount, foreignCount, missingCount } = report
  const counts = { target, mount, policy, listed, orphanCount, adoptedCount, unmarkedCount, foreignCount, missingCount }
  const named = { orphans: orphans.slice(0, auditNamesMax), missing: missing.slice(0, auditNamesMax) }
  return { ...counts, ...named } as unknown as JsonObject
}

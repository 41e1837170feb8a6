/** Compares what exists in the targets with the leases. What carries this broker's mark and has no lease is reported, in the audit and in `sys/reconcile`; nothing is
 *  touched. */
import type { CredentialType, JsonObject, TargetId } from '../contracts/index.ts'
import type { Target } from '../store/store.ts'
import type { Parts } from './parts.ts'

const listLimitMs = 60_000
const namesAtOnceMax = 500
const targetsAtOnceMax = 8

// A report is for people: beyond this it only counts.
const orphansShownMax = 1_000

export interface TargetReport {
  readonly target: TargetId
  readonly mount: string
  readonly listed: number
  readonly orphans: readonly { readonly name: string; readonly enabled: boolean }[]
  readonly orphanCount: number
  readonly error?: string
}

export interface ReconcileReport {
  readonly time: string
  readonly targets: readonly TargetReport[]
}

/** The last report of each target, for `sys/reconcile`. */
export class Reconciler implements Disposable {
  readonly #parts: Parts
  readonly #stop = new AbortController()
  #last: ReconcileReport | undefined
  #running: Promise<ReconcileReport> | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get last(): ReconcileReport | undefined {
    return this.#last
  }

  /** Lists every target that can be listed; a target that fails is reported as such. Whoever asks while it is under way gets the same report. */
  run(): Promise<ReconcileReport> {
    this.#running ??= this.#compare().finally(() => (this.#running = undefined))
    return this.#running
  }

  async #compare(): Promise<ReconcileReport> {
    const { store, clock, trail } = this.#parts
    const found = await this.#all((await store.targets()).filter(({ retired }) => !retired))
    // Half a report would say of the other half that all is well.
    this.#stop.signal.throwIfAborted()
    const report = { time: clock.now().toString(), targets: found.toSorted((a, b) => (a.target < b.target ? -1 : 1)) }
    this.#last = report
    const entries = found.filter(({ orphanCount }) => orphanCount > 0).map(one => trail.reconciled(one as unknown as JsonObject))
    if (entries.length > 0) await store.commit([], entries)
    return report
  }

  /** A few at once, so that a target that hangs delays the others little. */
  async #all(targets: readonly Target[]): Promise<readonly TargetReport[]> {
    const reports: TargetReport[] = []
    const left = targets.values()
    const work = async () => {
      for (const target of left) if (!this.#stop.signal.aborted) reports.push(await reconcileTarget(this.#parts, target, this.#stop.signal))
    }
    await Promise.all(Array.from({ length: targetsAtOnceMax }, work))
    return reports
  }

  [Symbol.dispose](): void {
    this.#stop.abort()
  }
}

async function reconcileTarget(parts: Parts, target: Target, signal: AbortSignal): Promise<TargetReport> {
  const report = { target: target.id, mount: parts.mounts.byUuid(target.mount)?.record.path ?? target.mount }
  try {
    const credential = parts.mounts.credential(target.mount, target.credential)
    if (!credential.list) return { ...report, listed: 0, orphans: [], orphanCount: 0, error: 'this target cannot be listed' }
    const first = await findOrphans(parts, credential, target.id, signal)
    // A lease that was revoked between the listing and the look would read as an orphan: what counts is what is still there at a second listing.
    return { ...report, ...(first.orphanCount === 0 ? first : both(first, await findOrphans(parts, credential, target.id, signal))) }
  } catch (error) {
    parts.log.warn('a target could not be reconciled', { target: target.id }, error)
    return { ...report, listed: 0, orphans: [], orphanCount: 0, error: parts.trail.errorText(error) }
  }
}

async function findOrphans(parts: Parts, credential: CredentialType, target: TargetId, signal: AbortSignal) {
  const orphans: { name: string; enabled: boolean }[] = []
  let [listed, orphanCount] = [0, 0]
  const look = async (batch: readonly { name: string; enabled: boolean }[]) => {
    const known = await parts.store.knownNames(batch.map(({ name }) => name))
    for (const found of batch) {
      if (known.has(found.name)) continue
      orphanCount++
      if (orphans.length < orphansShownMax) orphans.push({ name: found.name, enabled: found.enabled })
    }
  }
  let batch: { name: string; enabled: boolean }[] = []
  using deadline = parts.clock.within(listLimitMs, signal)
  for await (const found of credential.list!(target, deadline.signal)) {
    listed++
    batch.push({ name: found.name, enabled: found.enabled })
    if (batch.length >= namesAtOnceMax) {
      await look(batch)
      batch = []
    }
  }
  await look(batch)
  return { listed, orphans, orphanCount }
}

type Findings = Awaited<ReturnType<typeof findOrphans>>

function both(first: Findings, second: Findings): Findings {
  const before = new Set(first.orphans.map(({ name }) => name))
  const orphans = second.orphans.filter(({ name }) => before.has(name))
  return {
    listed: second.listed,
    orphans,
    orphanCount: Math.max(orphans.length, Math.min(first.orphanCount, second.orphanCount) - (second.orphans.length - orphans.length))
  }
}

/** Compares what exists in the targets with the leases. What carries this broker's mark and has no lease is reported, in the audit and in `sys/reconcile`; nothing is
 *  touched. */
import type { CredentialType, JsonObject, TargetId } from '../contracts/index.ts'
import type { Target } from '../store/store.ts'
import type { Parts } from './parts.ts'

const listLimitMs = 60_000
const namesAtOnceMax = 500

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
export class Reconciler {
  readonly #parts: Parts
  #last: ReconcileReport | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get last(): ReconcileReport | undefined {
    return this.#last
  }

  /** Lists every target that can be listed; a target that fails is reported as such and delays no other. */
  async run(signal: AbortSignal): Promise<ReconcileReport> {
    const targets: TargetReport[] = []
    for (const target of await this.#parts.store.targets()) {
      if (!signal.aborted) targets.push(await reconcileTarget(this.#parts, target, signal))
    }
    const report = { time: this.#parts.clock.now().toString(), targets }
    this.#last = report
    const entries = targets
      .filter(({ orphanCount }) => orphanCount > 0)
      .map(found => this.#parts.trail.reconciled(found as unknown as JsonObject))
    if (entries.length > 0) await this.#parts.store.commit([], entries)
    return report
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

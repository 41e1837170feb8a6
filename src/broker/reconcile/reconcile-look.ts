import { BrokerError } from '../../contracts/index.ts'
import type { CredentialType, Found, TargetId } from '../../contracts/index.ts'
import { onAbort } from '../on-abort.ts'
import type { Parts } from '../parts.ts'

const listLimitMs = 60_000
const namesAtOnceMax = 500

/** What a look keeps by name; the rest is counted, and comes to light when these are gone. */
export const keptMax = 1_000

// No server that we know allows as much. A hostile one must not fill our memory.
const nameCharsMax = 256

// Some 20 MB of names. A target with more is compared in one direction only.
const namesMax = 200_000

/** One listing of a target beside the store. Each name is looked up after it was listed: what was issued has had its lease since before it was there. */
export interface Look {
  /** On the clock that never steps. */
  readonly startedAt: number
  readonly listed: number
  /** Ours, and no lease that is not revoked has the name. */
  readonly orphans: ReadonlyMap<string, Found>
  readonly orphanCount: number
  readonly unmarked: readonly Found[]
  readonly unmarkedCount: number
  readonly foreignCount: number
  /** Whatever was listed by name; nothing when it was too much. */
  readonly names: ReadonlySet<string> | undefined
}

/** `withLease` is shown what is ours and has a lease, batch by batch. */
export async function lookAt(
  parts: Parts,
  credential: CredentialType,
  target: TargetId,
  signal: AbortSignal,
  withLease: (found: readonly Found[]) => Promise<void> = async () => undefined
): Promise<Look> {
  const look = new Gathering(parts.clock.elapsed())
  using deadline = parts.clock.within(listLimitMs, signal)
  for await (const batch of batches(heeding(credential.list!(target, deadline.signal), deadline.signal))) {
    const known = await parts.store.knownNames(batch.map(({ name }) => name))
    look.add(batch, known)
    await withLease(batch.filter(({ name, marked = 'ours' }) => marked === 'ours' && known.has(name)))
  }
  return look
}

class Gathering implements Look {
  readonly startedAt: number
  readonly orphans = new Map<string, Found>()
  readonly unmarked: Found[] = []
  names: Set<string> | undefined = new Set()
  listed = 0
  orphanCount = 0
  unmarkedCount = 0
  foreignCount = 0

  constructor(startedAt: number) {
    this.startedAt = startedAt
  }

  add(batch: readonly Found[], known: ReadonlySet<string>): void {
    for (const found of batch) this.#addOne(found, known.has(found.name))
    if ((this.names?.size ?? 0) > namesMax) this.names = undefined
  }

  #addOne(found: Found, known: boolean): void {
    if (found.marked === 'foreign') return void this.foreignCount++
    this.names?.add(found.name)
    if (found.marked === 'missing') return known ? undefined : this.#addUnmarked(found)
    this.listed++
    if (known) return
    this.orphanCount++
    if (this.orphans.size < keptMax) this.orphans.set(found.name, found)
  }

  #addUnmarked(found: Found): void {
    this.unmarkedCount++
    if (this.unmarked.length < keptMax) this.unmarked.push(found)
  }
}

async function* batches(listing: AsyncIterable<Found>): AsyncGenerator<readonly Found[]> {
  let batch: Found[] = []
  for await (const found of listing) {
    if (found.name.length > nameCharsMax)
      throw new BrokerError('target_refused', `the target lists a name of more than ${nameCharsMax} characters`)
    batch.push(found)
    if (batch.length < namesAtOnceMax) continue
    yield batch
    batch = []
  }
  yield batch
}

/** A listing that hangs and does not heed its signal must not hold up others. */
async function* heeding(listing: AsyncIterable<Found>, signal: AbortSignal): AsyncGenerator<Found> {
  const aborted = new Promise<never>((_, reject) => onAbort(signal, () => reject(signal.reason as Error)))
  aborted.catch(() => undefined)
  const steps = listing[Symbol.asyncIterator]()
  let open = true
  try {
    for (;;) {
      const step = await Promise.race([steps.next(), aborted])
      open = step.done !== true
      if (step.done) return
      yield step.value
    }
  } finally {
    // Not waited for: it may be what hangs.
    if (open) void steps.return?.().catch(() => undefined)
  }
}

/** Asks targets whether what was issued is used. It changes nothing anywhere but in the leases' own notes, and gives way to everything else: a page at a time with rests between, a few targets at once,
 *  none that fails, and none where something is to be revoked now. */
import type { CredentialType, TargetId } from '../../contracts/index.ts'
import type { Target } from '../../store/store.ts'
import type { Parts } from '../parts.ts'
import { observeTarget } from './observe-target.ts'

const tickMs = 30_000
const targetsAtOnceMax = 4

// Each round of a target begins this much earlier or later, so that those that were first looked at together do not stay together.
const jitterPart = 0.2

export type ObservedTarget = Target & { readonly observe: NonNullable<CredentialType['observe']> }

export class Observer {
  readonly #parts: Parts
  readonly #dueAt = new Map<TargetId, number>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** One look at what is due; the milliseconds until the next. */
  async turn(signal: AbortSignal): Promise<number> {
    const targets = await this.#targets()
    const now = this.#parts.clock.elapsed()
    // The first round after a start is spread over a whole period: nobody waits for it.
    for (const { id } of targets) if (!this.#dueAt.has(id)) this.#dueAt.set(id, now + this.#parts.random.below(this.#everyMs))
    const due = targets.filter(({ id }) => this.#dueAt.get(id)! <= now).values()
    const work = async () => {
      for (const target of due) if (!signal.aborted) await this.#round(target, signal)
    }
    await Promise.all(Array.from({ length: targetsAtOnceMax }, work))
    return Math.min(tickMs, this.#everyMs)
  }

  get #everyMs(): number {
    return this.#parts.settings.observeEvery * 1_000
  }

  /** Of mounts whose credentials can be observed; where there is none nothing is read. */
  async #targets(): Promise<readonly ObservedTarget[]> {
    const { mounts, store } = this.#parts
    const any = mounts.all.some(
      mount => mount.kind === 'backend' && Object.values(mount.backend.credentials).some(credential => credential.observe !== undefined)
    )
    if (!any) return []
    const targets = (await store.targets()).flatMap(target => {
      const credential = target.retired ? undefined : mounts.credentialIfThere(target.mount, target.credential)
      return credential?.observe ? [{ ...target, observe: credential.observe.bind(credential) }] : []
    })
    const there = new Set(targets.map(({ id }) => id))
    for (const id of this.#dueAt.keys()) if (!there.has(id)) this.#dueAt.delete(id)
    return targets
  }

  /** One that fails, or is failing already, is left alone until its next round. */
  async #round(target: ObservedTarget, signal: AbortSignal): Promise<void> {
    const { clock, random, circuits, log } = this.#parts
    try {
      if (!circuits.failing(target.id)) await observeTarget(this.#parts, target, signal)
    } catch (error) {
      if (!signal.aborted) log.warn('a target could not be asked for the use of its credentials', { target: target.id }, error)
    }
    const jitterMs = Math.round(this.#everyMs * jitterPart)
    this.#dueAt.set(target.id, clock.elapsed() + this.#everyMs - jitterMs + random.below(2 * jitterMs + 1))
  }
}

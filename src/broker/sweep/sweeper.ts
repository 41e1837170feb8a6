/** The loop that works off due leases, cascades, tasks and expired tokens. It never gives up, survives any single failure, and sleeps until the next moment at which something
 *  is due: no timer per lease. Each target is swept by itself, so that one that hangs holds up nobody else. */
import type { TargetId } from '../../contracts/index.ts'
import type { DueWork, ScheduledTask, Target } from '../../store/store.ts'
import { onAbort } from '../on-abort.ts'
import type { Parts } from '../parts.ts'
import { expireTokens, workCascades } from './sweep-cascades.ts'
import { unaskable } from './second-source.ts'
import { sweepTarget } from './sweep-target.ts'
import { runTask } from './sweep-task.ts'
import { taskName } from './task-wait.ts'

// The longest sleep: a lost wake-up or a clock step costs no more than this. B1's tick.
const tickMsMax = 1_000

// After a failure of the store itself: long enough not to spin, short beside every promise.
const failedMs = 500

// Calls in flight are bounded per target by its driver; this bounds how many targets are swept at once.
const targetsAtOnceMax = 64

// Of these, how many that failed when they were tried last: each may hang again, and those that answer must find a place.
const failingAtOnceMax = 48

// Of one mount: those of a target that does not answer hang for a minute each, and those of all others must find a place.
const tasksOfMountMax = 50

// How long what is under way may take to end.
const endMsMax = 3_000

// How often targets are asked for the time while this host's is suspect.
const askEveryMs = 30_000

export class Sweeper implements AsyncDisposable {
  readonly #parts: Parts
  readonly #stop = new AbortController()
  readonly #busyTargets = new Map<TargetId, Promise<void>>()
  readonly #busyFailing = new Set<TargetId>()
  readonly #busyTasks = new Map<string, Promise<void>>()
  /** How many of them are a mount's. */
  readonly #tasksOf = new Map<string, number>()
  #wake: () => void = () => undefined
  #woken = false
  #askAgainAt = 0
  #loop: Promise<void> = Promise.resolve()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  start(): void {
    this.#loop = this.#run()
  }

  /** Something may be due now. */
  wake(): void {
    this.#woken = true
    this.#wake()
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.#woken = false
      const wait = await this.#turn().catch(error => this.#failed(error))
      if (!this.#woken) await this.#sleep(wait)
    }
  }

  /** Starts what is due and is not under way; gives the milliseconds until the next look. */
  async #turn(): Promise<number> {
    const { store, clock } = this.#parts
    this.#secondSource()
    const now = clock.now()
    const crowded = [...this.#tasksOf].flatMap(([mount, count]) => (count >= tasksOfMountMax ? [mount] : []))
    const work = await store.dueWork(now, crowded)
    for (const { target } of work.targets) this.#sweep(target)
    const all = work.tasks.map(task => this.#begin(task)).every(Boolean)
    // Both in each turn: a cascade over a million leases takes a thousand of them.
    const ended = await expireTokens(this.#parts, work.expiredTokens)
    const more = await workCascades(this.#parts, work.cascades)
    return ended || more || !all ? 0 : untilNext(work, now)
  }

  /** False when its mount has too many under way: the next look, which is at once, leaves it out. */
  #begin(task: ScheduledTask): boolean {
    const name = taskName(task.mount, task.task, task.key)
    const count = this.#tasksOf.get(task.mount) ?? 0
    if (this.#busyTasks.has(name)) return true
    if (count >= tasksOfMountMax) return false
    this.#tasksOf.set(task.mount, count + 1)
    this.#start(this.#busyTasks, name, () => runTask(this.#parts, task, this.#stop.signal).finally(() => this.#leave(task.mount)))
    return true
  }

  #leave(mount: string): void {
    const left = (this.#tasksOf.get(mount) ?? 1) - 1
    if (left > 0) this.#tasksOf.set(mount, left)
    else this.#tasksOf.delete(mount)
  }

  /** While the wall clock is ahead and not believed: asks others, beside the sweeping, and ends by it what nobody can be asked about. */
  #secondSource(): void {
    const { time, clock } = this.#parts
    const wall = time.wallAhead()
    if (!wall || clock.elapsed() < this.#askAgainAt) return
    this.#askAgainAt = clock.elapsed() + askEveryMs
    this.#start(this.#busyTasks, 'second source', async () => {
      const targets = await unaskable(this.#parts, wall, this.#stop.signal)
      for (const target of targets) this.#sweep(target, wall)
      return true
    })
  }

  #sweep({ id, failures }: Target, dueBefore?: Temporal.Instant): void {
    if (this.#busyTargets.has(id) || this.#busyTargets.size >= targetsAtOnceMax) return
    if (failures > 0 && this.#busyFailing.size >= failingAtOnceMax) return
    if (failures > 0) this.#busyFailing.add(id)
    this.#start(this.#busyTargets, id, () =>
      sweepTarget(this.#parts, id, this.#stop.signal, dueBefore).finally(() => this.#busyFailing.delete(id))
    )
  }

  /** `work` says whether it found anything to do. What found nothing, or failed, is looked at again with the next tick and not at once: no turn may spin. */
  #start<Key>(busy: Map<Key, Promise<void>>, key: Key, work: () => Promise<boolean>): void {
    if (busy.has(key)) return
    busy.set(
      key,
      this.#attempt(key, work).then(worked => this.#ended(busy, key, worked))
    )
  }

  async #attempt(what: unknown, work: () => Promise<boolean>): Promise<boolean> {
    try {
      return await work()
    } catch (error) {
      this.#parts.log.error('a sweep failed', { what: String(what) }, error)
      return false
    }
  }

  #ended<Key>(busy: Map<Key, Promise<void>>, key: Key, worked: boolean): void {
    busy.delete(key)
    if (worked) this.wake()
  }

  #failed(error: unknown): number {
    if (!this.#stop.signal.aborted) this.#parts.log.error('the sweeper could not look for work', {}, error)
    return failedMs
  }

  async #sleep(milliseconds: number): Promise<void> {
    if (milliseconds <= 0) return
    const woken = new AbortController()
    this.#wake = () => woken.abort()
    await this.#parts.clock.sleep(milliseconds, AbortSignal.any([woken.signal, this.#stop.signal])).catch(() => undefined)
    this.#wake = () => undefined
  }

  /** Lets what is under way finish; whatever does not is found again after the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    this.#wake()
    await this.#loop
    // A backend that does not heed the signal must not keep the keys in memory when the broker is sealed.
    using deadline = this.#parts.clock.within(endMsMax)
    const given = new Promise<void>(resolve => onAbort(deadline.signal, resolve))
    await Promise.race([Promise.allSettled([...this.#busyTargets.values(), ...this.#busyTasks.values()]), given])
  }
}

function untilNext(work: DueWork, now: Temporal.Instant): number {
  if (work.next === null) return tickMsMax
  return Math.max(1, Math.min(tickMsMax, work.next.epochMilliseconds - now.epochMilliseconds))
}

import type { TaskOutcome } from '../contracts/index.ts'
import { backoffMs } from '../lease/backoff.ts'
import type { Change, Intention } from '../store/change.ts'
import type { ScheduledTask } from '../store/store.ts'
import { intentPlace, mountStorage } from './mount-storage.ts'
import type { Parts } from './parts.ts'
import { cutError, soon } from './settlement.ts'

const taskLimitMs = 60_000

/** Runs one due task. What it writes, its audit entry and its new due time are one commit; a crash before it runs the task again with the same intent. */
export async function runTask(parts: Parts, scheduled: ScheduledTask, signal: AbortSignal): Promise<boolean> {
  const changes: Change[] = []
  const change = (intention: Intention) => void changes.push({ ...intention, now: parts.clock.now() })
  try {
    const outcome = await run(parts, scheduled, change, signal)
    if ('done' in outcome) await settle(parts, scheduled, changes, null, null)
    else await settle(parts, scheduled, changes, soon(parts, outcome.again), outcome.why ?? null)
  } catch (error) {
    // The broker is ending: as after a crash, the task runs again.
    if (signal.aborted) return false
    await failed(parts, scheduled, error)
  }
  return true
}

/** The first failure and each change of cause are told; the same again is not. */
async function failed(parts: Parts, scheduled: ScheduledTask, cause: unknown): Promise<void> {
  const { mount, task, key } = scheduled
  const error = cutError(parts.trail.errorText(cause))
  if (error !== scheduled.lastError) parts.log.error('a task failed and will run again', { mount, task, key }, cause)
  const again = parts.clock.now().add({ milliseconds: backoffMs(scheduled.failures + 1, parts.random) })
  await settle(parts, scheduled, [], again, error)
}

async function run(
  parts: Parts,
  scheduled: ScheduledTask,
  change: (intention: Intention) => void,
  signal: AbortSignal
): Promise<TaskOutcome> {
  const task = parts.mounts.backend(scheduled.mount).tasks?.[scheduled.task]
  if (!task) throw new Error(`the backend has no task ${scheduled.task}`)
  using deadline = parts.clock.within(taskLimitMs, signal)
  const intent = parts.barrier.openJson(intentPlace(scheduled.mount, scheduled.task, scheduled.key), scheduled.intent)
  return await task.run(intent, mountStorage(parts, scheduled.mount, change), deadline.signal)
}

async function settle(
  parts: Parts,
  scheduled: ScheduledTask,
  changes: readonly Change[],
  again: Temporal.Instant | null,
  error: string | null
): Promise<void> {
  const { mount, task, key, version } = scheduled
  const audit = error !== null && error === scheduled.lastError ? [] : [parts.trail.task(scheduled, error)]
  await parts.store.commit(
    [...changes, { kind: 'task.settle', now: parts.clock.now(), mount, task, key, version, again, error, audit }],
    []
  )
}

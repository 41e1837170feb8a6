import { BrokerError } from '../../contracts/index.ts'
import type { TaskOutcome, TaskSettled } from '../../contracts/index.ts'
import { backoffMs } from '../../lease/backoff.ts'
import type { Change, Intention } from '../../store/change.ts'
import { LostCondition } from '../../store/store.ts'
import type { ScheduledTask } from '../../store/store.ts'
import { intentPlace, mountStorage } from '../mounts/mount-storage.ts'
import type { Parts } from '../parts.ts'
import { cutError } from './settlement.ts'
import { taskName } from './task-wait.ts'

const taskLimitMs = 60_000

// A task that asks for another run at once must not keep the sweeper spinning.
const againMsMin = 1_000

/** Runs one due task. What it writes, its audit entry and its new due time are one commit; a crash before it runs the task again with the same intent. */
export async function runTask(parts: Parts, scheduled: ScheduledTask, signal: AbortSignal): Promise<boolean> {
  const changes: Change[] = []
  const change = (intention: Intention) => void changes.push({ ...intention, now: parts.clock.now() })
  try {
    await parts.at('task:before-run')
    const outcome = await run(parts, scheduled, change, signal)
    await parts.at('task:after-run')
    await settle(parts, scheduled, changes, ended(parts, outcome))
    await parts.at('task:after-commit')
  } catch (error) {
    // The broker is ending: as after a crash, the task runs again.
    if (signal.aborted) return false
    await failed(parts, scheduled, error)
  }
  return true
}

interface Ended {
  readonly again: Temporal.Instant | null
  readonly did?: string | undefined
  readonly error: string | null
  /** What a caller who waits for it is told. */
  readonly told: TaskSettled
}

function ended(parts: Parts, outcome: TaskOutcome): Ended {
  const told: TaskSettled = outcome.why === undefined ? { kind: 'done' } : { kind: 'failed', error: outcome.why, over: 'done' in outcome }
  const again = 'done' in outcome ? null : later(parts, outcome.again)
  return { again, did: outcome.did, error: outcome.why === undefined ? null : cutError(outcome.why), told }
}

/** As far off as the backend asked for: what is due in a month is not looked at until then. */
function later(parts: Parts, again: Temporal.Instant): Temporal.Instant {
  const soonest = parts.clock.now().add({ milliseconds: againMsMin })
  return Temporal.Instant.compare(again, soonest) < 0 ? soonest : again
}

/** The first failure and each change of cause are told; the same again is not. */
async function failed(parts: Parts, scheduled: ScheduledTask, cause: unknown): Promise<void> {
  const { mount, task, key } = scheduled
  const error = cutError(parts.trail.errorText(cause))
  if (error !== scheduled.lastError) parts.log.error('a task failed and will run again', { mount, task, key }, cause)
  const again = parts.clock.now().add({ milliseconds: backoffMs(scheduled.failures + 1, parts.random) })
  await settle(parts, scheduled, [], { again, error, told: { kind: 'failed', error: sentence(cause) } })
}

function sentence(cause: unknown): string {
  return cause instanceof BrokerError || cause instanceof LostCondition ? cause.message : 'internal error'
}

async function run(
  parts: Parts,
  scheduled: ScheduledTask,
  change: (intention: Intention) => void,
  signal: AbortSignal
): Promise<TaskOutcome> {
  const task = parts.mounts.task(scheduled.mount, scheduled.task)
  if (!task) throw new Error(`the backend has no task ${scheduled.task}`)
  using deadline = parts.clock.within(taskLimitMs, signal)
  const intent = parts.barrier.openJson(intentPlace(scheduled.mount, scheduled.task, scheduled.key), scheduled.intent)
  return await task.run(intent, mountStorage(parts, scheduled.mount, change), deadline.signal)
}

/** A run that a new schedule has overtaken settles nothing, and who waits hears of the one that follows; what it wrote is kept, and so is told. */
async function settle(
  parts: Parts,
  scheduled: ScheduledTask,
  changes: readonly Change[],
  { again, did, error, told }: Ended
): Promise<void> {
  const { mount, task, key, version } = scheduled
  const audit = error !== null && error === scheduled.lastError ? [] : [parts.trail.task(scheduled, error, did)]
  const ends = changes.length > 0 && parts.mounts.task(mount, task)?.endsAccess === true ? ({ endsAccess: true } as const) : {}
  const settling = { kind: 'task.settle', now: parts.clock.now(), mount, task, key, version, again, error, ...ends } as const
  const results = await parts.store.commit(
    [...changes, changes.length > 0 ? settling : { ...settling, audit }],
    changes.length > 0 ? audit : []
  )
  if (results.at(-1)?.applied === true) parts.taskWatch.settled(taskName(mount, task, key), told)
}

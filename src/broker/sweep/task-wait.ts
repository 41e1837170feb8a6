import type { TaskSettled, TaskWait } from '../../contracts/index.ts'
import type { Parts } from '../parts.ts'
import type { Outcome } from '../door/request.ts'
import { Watch } from './watch.ts'

// Below every client's own time-out (30 s and more).
const waitMsMax = 20_000

/** How the last run of a task ended. */
export class TaskWatch extends Watch<string, TaskSettled> {}

export const taskName = (mount: string, task: string, key: string): string => `${mount}\n${task}\n${key}`

/** A request that is answered once a task has run: its promise is committed, the sweeper does the work, and the caller hears how it ended. Registered before
 *  that commit, so that no run is missed. */
export function afterTask(parts: Parts, mount: string, after: TaskWait, gone: AbortSignal): Outcome {
  const settled = parts.taskWatch.next(taskName(mount, after.task, after.key), Math.min(after.waitMsMax ?? waitMsMax, waitMsMax), gone)
  return {
    wait: async () => {
      await parts.at('task:after-promise-commit')
      parts.wake()
      return await after.answer(await settled)
    }
  }
}

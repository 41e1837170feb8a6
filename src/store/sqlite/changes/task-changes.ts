import { LostCondition } from '../../store.ts'
import { cutError, fence, fenceHolds, lostEpoch } from './writing.ts'
import type { Applied, ChangeOf, Writing } from './writing.ts'

// Replacing takes a new number of the autoincrement: the version.
const scheduleSql = `insert or replace into task (mount, task, key, due_at, intent)
  select :mount, :task, :key, :dueAt, :intent
   where ${fence} and not exists (select 1 from mount_end where mount = :mount and dropped = 1)`

export function scheduleTask(writing: Writing, { mount, task, key, dueAt, intent }: ChangeOf<'task.schedule'>): Applied {
  if (writing.db.run(scheduleSql, { mount, task, key, dueAt, intent, ...writing.fence }) === 0) {
    if (!fenceHolds(writing)) throw lostEpoch('task.schedule')
    throw new LostCondition('task.schedule', 'invalid_request', 'the mount is gone')
  }
  return { applied: true }
}

export function unscheduleTask(writing: Writing, { mount, task, key }: ChangeOf<'task.unschedule'>): Applied {
  const sql = `delete from task where mount = :mount and task = :task and key = :key and ${fence}`
  return { applied: writing.db.run(sql, { mount, task, key, ...writing.fence }) > 0 }
}

const settleSql = {
  done: `delete from task where mount = :mount and task = :task and key = :key and version = :version and ${fence}`,
  again: `update task set due_at = :again, last_error = :error, failures = case when :error is null then 0 else failures + 1 end
    where mount = :mount and task = :task and key = :key and version = :version and ${fence}`
} as const

export function settleTask(writing: Writing, { mount, task, key, version, again, error }: ChangeOf<'task.settle'>): Applied {
  const run = { mount, task, key, version, ...writing.fence }
  const settled =
    again === null
      ? writing.db.run(settleSql.done, run)
      : writing.db.run(settleSql.again, { ...run, again, error: error === null ? null : cutError(error) })
  return { applied: settled > 0 }
}

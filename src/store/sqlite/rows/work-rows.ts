/** Rows of the sweeper's questions: targets, cascades, tasks. */
import type { TargetId } from '../../../contracts/index.ts'
import type { RevokeCause } from '../../../lease/lease.ts'
import type { Cascade, ScheduledTask, Target } from '../../store.ts'
import { instant, instantOrNull } from './wire.ts'

export interface TargetRow {
  readonly id: string
  readonly mount: string
  readonly credential: string
  readonly retired_at: number | null
  readonly failures: number
  readonly retry_at: number | null
  readonly failing_since: number | null
  readonly last_error: string | null
}

export function toTarget(row: TargetRow): Target {
  return {
    id: row.id as TargetId,
    mount: row.mount,
    credential: row.credential,
    retired: row.retired_at !== null,
    failures: row.failures,
    retryAt: instantOrNull(row.retry_at),
    failingSince: instantOrNull(row.failing_since),
    lastError: row.last_error
  }
}

export interface CascadeRow {
  readonly id: number
  readonly kind: Cascade['kind']
  readonly selector: string
  readonly cause: RevokeCause
  readonly cursor: string
  readonly opened_by: string
}

export function toCascade(row: CascadeRow): Cascade {
  return { id: row.id, kind: row.kind, selector: row.selector, cause: row.cause, cursor: row.cursor, by: row.opened_by }
}

export interface TaskRow {
  readonly mount: string
  readonly task: string
  readonly key: string
  readonly due_at: number
  readonly version: number
  readonly failures: number
  readonly last_error: string | null
  readonly intent: Uint8Array
}

export function toTask(row: TaskRow): ScheduledTask {
  return {
    mount: row.mount,
    task: row.task,
    key: row.key,
    dueAt: instant(row.due_at),
    version: row.version,
    failures: row.failures,
    lastError: row.last_error,
    intent: row.intent
  }
}

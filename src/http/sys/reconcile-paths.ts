import { corePath } from '../../broker/door/core-path.ts'
import type { Call, CorePath } from '../../broker/door/core-path.ts'
import type { MountRecord } from '../../broker/mounts/mount.ts'
import type { ReconcileReport } from '../../broker/reconcile/reconcile-report.ts'
import type { Outcome } from '../../broker/door/request.ts'
import { BrokerError } from '../../contracts/index.ts'
import type { JsonObject } from '../../contracts/index.ts'
import { refuseUnknown } from './refuse-unknown.ts'

/** `sys/reconcile`, and `sys/reconcile/<mount>`: what the targets hold without a lease, and which leases are without what they stand for. */
export const reconcilePaths: readonly CorePath[] = [
  corePath({
    pattern: 'reconcile',
    summary: 'targets and leases compared: the last report, or a new one',
    read: lastReport,
    write: newReport
  }),
  corePath({
    pattern: 'reconcile/*mount',
    summary: 'the targets of one mount and its leases compared: the last report, or a new one',
    read: lastReport,
    write: newReport
  })
]

async function lastReport(call: Call<unknown>): Promise<Outcome> {
  refuseUnknown(call)
  const last = call.parts.reconciler.last(mountNamed(call)?.path)
  return last && { data: shown(last) }
}

/** Each target has its own time limit; the look goes on when the caller has gone. */
async function newReport(call: Call<unknown>): Promise<Outcome> {
  refuseUnknown(call)
  const mount = mountNamed(call)
  return { wait: async () => ({ data: shown(await call.parts.reconciler.run(mount ? { mount: mount.uuid } : {})) }) }
}

function mountNamed({ parts, params }: Call<unknown>): MountRecord | undefined {
  const named = params['mount']
  if (named === undefined) return undefined
  const path = `${named.replace(/\/+$/, '')}/`
  const mount = parts.mounts.all.find(({ kind, record }) => kind !== 'core' && record.path === path && !path.startsWith('auth/'))
  if (!mount) throw new BrokerError('invalid_request', `No secrets engine mounted at ${path}`)
  return mount.record
}

const shown = (report: ReconcileReport): JsonObject => report as unknown as JsonObject

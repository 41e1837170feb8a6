import type { Call } from '../../broker/door/core-path.ts'
import { mountRecordJson, parseMountRecord } from '../../broker/mounts/mount.ts'
import type { Mount } from '../../broker/mounts/mount.ts'
import type { Outcome } from '../../broker/door/request.ts'
import { putEntry, readEntry } from '../../broker/mounts/sealed-rows.ts'
import { BrokerError, field } from '../../contracts/index.ts'
import type { z } from '../../contracts/index.ts'
import { changedConfig, configFields } from './mount-config.ts'
import { hasTargets, tuneEntry } from './mount-entry.ts'

export const tuneFields = { ...configFields, description: field.text(), options: field.map() }

type TuneCall = Call<z.output<z.ZodObject<typeof tuneFields>>>

/** The effective settings of a mount. `prefix` is `auth/` where the question came below `sys/auth`. */
export async function readTune(call: TuneCall, prefix: '' | 'auth/'): Promise<Outcome> {
  return { data: tuneEntry(tuned(call, prefix).record, call.parts) }
}

/** Changes what the caller names; leases keep what they were issued with. */
export async function tuneMount(call: TuneCall, prefix: '' | 'auth/'): Promise<Outcome> {
  const { parts, fields } = call
  const { mount, version } = await stored(call, prefix)
  const { record } = mount
  if (record.ending) throw new BrokerError('invalid_request', `${record.path} is being disabled`)
  if ((fields.reconcile || fields.reconcile_after !== undefined) && !hasTargets(record, parts.mounts))
    throw new BrokerError('invalid_request', 'reconcile: only a secrets engine has targets')
  const changed = {
    ...record,
    config: changedConfig(record.config, fields, parts.settings, mount.kind === 'auth'),
    ...(fields.description === undefined ? {} : { description: fields.description }),
    ...(fields.options === undefined || record.options === null ? {} : { options: { ...record.options, ...fields.options } })
  }
  call.change(putEntry(parts.barrier, 'mount', record.path, mountRecordJson(changed), version))
  call.afterCommit(() => parts.mounts.load())
  return undefined
}

/** As the store has it now: what another caller has just changed must not be undone, nor a mount come back that has just gone. */
async function stored(call: TuneCall, prefix: string): Promise<{ readonly mount: Mount; readonly version: number }> {
  const mount = tuned(call, prefix)
  const row = await readEntry(call.parts.store, call.parts.barrier, 'mount', mount.record.path)
  if (row) return { mount: { ...mount, record: parseMountRecord(row.value) }, version: row.version }
  if (mount.kind !== 'core') throw noMount(mount.record.path)
  return { mount, version: 0 }
}

function tuned({ parts, params }: TuneCall, prefix: string): Mount {
  const path = `${prefix}${params['path'] ?? ''}/`
  const mount = parts.mounts.all.find(({ record }) => record.path === path)
  if (!mount) throw noMount(path)
  return mount
}

function noMount(path: string): BrokerError {
  return new BrokerError('invalid_request', `No mount at ${path}`)
}

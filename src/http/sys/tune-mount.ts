import type { Call } from '../../broker/core-path.ts'
import { mountRecordJson } from '../../broker/mount.ts'
import type { Mount } from '../../broker/mount.ts'
import type { Outcome } from '../../broker/request.ts'
import { putEntry } from '../../broker/sealed-rows.ts'
import { BrokerError, field } from '../../contracts/index.ts'
import type { z } from '../../contracts/index.ts'
import { changedConfig, configFields } from './mount-config.ts'
import { tuneEntry } from './mount-entry.ts'

export const tuneFields = { ...configFields, description: field.text(), options: field.map() }

type TuneCall = Call<z.output<z.ZodObject<typeof tuneFields>>>

/** The effective settings of a mount. `prefix` is `auth/` where the question came below `sys/auth`. */
export async function readTune(call: TuneCall, prefix: '' | 'auth/'): Promise<Outcome> {
  return { data: tuneEntry(tuned(call, prefix).record, call.parts) }
}

/** Changes what the caller names; leases keep what they were issued with. */
export async function tuneMount(call: TuneCall, prefix: '' | 'auth/'): Promise<Outcome> {
  const { parts, fields } = call
  const { record } = tuned(call, prefix)
  if (record.ending) throw new BrokerError('invalid_request', `${record.path} is being disabled`)
  const stored = await parts.store.entry('mount', record.path)
  const changed = {
    ...record,
    config: changedConfig(record.config, fields, parts.settings),
    ...(fields.description === undefined ? {} : { description: fields.description }),
    ...(fields.options === undefined || record.options === null ? {} : { options: { ...record.options, ...fields.options } })
  }
  call.change(putEntry(parts.barrier, 'mount', record.path, mountRecordJson(changed), stored?.version ?? 0))
  call.afterCommit(() => parts.mounts.load())
  return undefined
}

function tuned({ parts, params }: TuneCall, prefix: string): Mount {
  const path = `${prefix}${params['path'] ?? ''}/`
  const mount = parts.mounts.all.find(({ record }) => record.path === path)
  if (!mount) throw new BrokerError('invalid_request', `No mount at ${path}`)
  return mount
}

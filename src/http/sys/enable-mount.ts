import type { Call } from '../../broker/door/core-path.ts'
import { commit } from '../../broker/door/exchange.ts'
import { mountRecordJson } from '../../broker/mounts/mount.ts'
import type { MountRecord } from '../../broker/mounts/mount.ts'
import type { Parts } from '../../broker/parts.ts'
import type { Outcome } from '../../broker/door/request.ts'
import { putEntry } from '../../broker/mounts/sealed-rows.ts'
import { uuid } from '../../broker/uuid.ts'
import { BrokerError, field, z } from '../../contracts/index.ts'
import { changedConfig, configFields } from './mount-config.ts'
import { newMountPath } from './mount-path.ts'

/** Of a backend and of an auth method. */
export const enableFields = {
  type: field.text(),
  description: field.text(),
  config: z.object(configFields).nullish(),
  options: field.map(),
  local: field.boolean(),
  seal_wrap: field.boolean(),
  external_entropy_access: field.boolean(),
  plugin_name: field.text(),
  plugin_version: field.text()
}

export type EnableFields = z.output<z.ZodObject<typeof enableFields>>

const descriptionCharsMax = 1_024

/** Mounts a backend, or below `auth/` an auth method. Two mounts never lie inside each other, however they race: every enabling below one first segment takes that segment's turn. */
export async function enableMount(call: Call<EnableFields>, prefix: '' | 'auth/' = ''): Promise<Outcome> {
  const { parts } = call
  const path = newMountPath(call.params['path'] ?? '', prefix)
  refuseConflict(parts, path)
  const record = newRecord(call, path, prefix)
  return {
    wait: async () => {
      await insert(parts, record)
      await parts.mounts.load()
      return undefined
    }
  }
}

function newRecord({ parts, fields }: Call<EnableFields>, path: string, prefix: '' | 'auth/'): MountRecord {
  const { type = '', description = '' } = fields
  if (type === '') throw refusal('backend type must be specified as a string')
  if (!(prefix === '' ? parts.mounts.knows(type) : parts.mounts.knowsMethod(type)))
    throw refusal(`plugin not found in the catalog: ${/^[a-z0-9_-]{1,64}$/i.test(type) ? type : '(not shown)'}`)
  for (const name of ['local', 'seal_wrap', 'external_entropy_access'] as const) if (fields[name]) throw refusal(`${name} is not offered`)
  if (description.length > descriptionCharsMax) throw refusal(`description: at most ${descriptionCharsMax} characters`)
  const config = changedConfig(undefined, fields.config ?? {}, parts.settings, prefix !== '')
  const accessor = `${prefix.replace('/', '_')}${type}_${Buffer.from(parts.random.bytes(4)).toString('hex')}`
  return { path, type, accessor, uuid: uuid(parts.random), description, options: fields.options ?? {}, config, ending: false }
}

/** Above or below an existing mount counts as well: a path has one mount that serves it. */
function refuseConflict(parts: Parts, path: string): void {
  const other = parts.mounts.all.find(({ record }) => record.path.startsWith(path) || path.startsWith(record.path))
  if (other) throw refusal(`path is already in use at ${other.record.path.replace(/^auth\//, '')}`)
}

// A turn is lost only to another enabling under way; ten in a row are no accident.
const turnsMax = 10

async function insert(parts: Parts, record: MountRecord): Promise<void> {
  const key = `mount-turn/${record.path.split('/')[0]}`
  for (let turn = 1; ; turn++) {
    const present = await parts.store.entry('system', key)
    await parts.mounts.load()
    refuseConflict(parts, record.path)
    try {
      await commit(
        parts,
        [
          { ...putEntry(parts.barrier, 'system', key, record.path, present?.version ?? 0), now: parts.clock.now() },
          { ...putEntry(parts.barrier, 'mount', record.path, mountRecordJson(record), 0), now: parts.clock.now() }
        ],
        []
      )
      return
    } catch (error) {
      if (!(error instanceof BrokerError) || error.code !== 'conflict' || turn === turnsMax) throw error
    }
  }
}

function refusal(message: string): BrokerError {
  return new BrokerError('invalid_request', message)
}

import { corePath } from '../../broker/door/core-path.ts'
import type { Call, CorePath } from '../../broker/door/core-path.ts'
import type { Parts } from '../../broker/parts.ts'
import type { Outcome } from '../../broker/door/request.ts'
import { rotateKeys } from '../../broker/keys/rotate-keys.ts'
import { intervalMin, operationsMax, operationsMin, putRotationPolicy, readRotationPolicy } from '../../broker/keys/rotation-policy.ts'
import { BrokerError, field, goDuration } from '../../contracts/index.ts'
import type { JsonObject } from '../../contracts/index.ts'
import { refuseUnknown } from './refuse-unknown.ts'

const rotate = async ({ parts }: Call<unknown>): Promise<Outcome> => ({
  wait: async () => {
    await rotateKeys(parts, 'manual')
    return undefined
  }
})

/** The keys of the barrier, and that of its seal. */
export const keyPaths: readonly CorePath[] = [
  corePath({
    pattern: 'key-status',
    summary: 'the key that seals what is stored',
    read: async ({ parts }) => ({ data: await keyStatus(parts) })
  }),
  corePath({
    pattern: 'rotate',
    summary: 'a new key seals from here on; the rest is sealed anew in the background',
    sudo: true,
    write: rotate
  }),
  corePath({ pattern: 'rotate/keyring', summary: 'the same as rotate', sudo: true, write: rotate }),
  corePath({
    pattern: 'rotate/config',
    summary: 'when the key is rotated by itself',
    fields: { max_operations: field.integer(), interval: field.duration(), enabled: field.boolean() },
    read: async ({ parts }) => {
      const { maxOperations, interval, enabled } = await readRotationPolicy(parts)
      return { data: { max_operations: maxOperations, interval: interval === 0 ? 0 : wholeDuration(interval), enabled } }
    },
    write: configure
  }),
  corePath({
    pattern: 'rotate/seal',
    summary: 'gives the seal a new key; the old one opens this store no more',
    sudo: true,
    write: async call => {
      refuseUnknown(call)
      const { keys, trail, log } = call.parts
      return {
        wait: async () => {
          await keys.renewSeal(trail.key({ change: 'seal rotated' }))
          log.info('the seal has a new key; the old one opens this store no more', {})
          return undefined
        }
      }
    }
  })
]

async function keyStatus(parts: Parts): Promise<JsonObject> {
  const { term, installedAt, encryptions } = parts.barrier.keyStatus
  // Before the pass is read: who sees one key sees no pass that is still to drop the others.
  const { oldest } = parts.keys.span
  const pass = await parts.store.resealing()
  return {
    term,
    install_time: installedAt.toString(),
    encryptions,
    oldest_term: oldest,
    resealing: pass
      ? { below: pass.below, table: pass.table, resealed: pass.resealed, unreadable: pass.unreadable, begun_time: pass.begunAt.toString() }
      : null
  }
}

/** As Go prints one, zeros and all: clients compare. */
function wholeDuration(seconds: number): string {
  return `${Math.floor(seconds / 3_600)}h${Math.floor((seconds % 3_600) / 60)}m${seconds % 60}s`
}

interface Wanted {
  readonly max_operations?: number | undefined
  readonly interval?: number | undefined
  readonly enabled?: boolean | undefined
}

/** What is not given stays. */
async function configure(call: Call<Wanted>): Promise<Outcome> {
  const { parts, fields } = call
  const now = await readRotationPolicy(parts)
  const { max_operations: maxOperations = now.maxOperations, interval = now.interval, enabled = now.enabled } = fields
  if (maxOperations < operationsMin || maxOperations > operationsMax)
    throw new BrokerError('invalid_request', `max_operations must be in the range [${operationsMin},${operationsMax}]`)
  if (interval !== 0 && interval < intervalMin)
    throw new BrokerError('invalid_request', `interval must be 0, or greater or equal to ${goDuration(intervalMin)}`)
  call.change(putRotationPolicy(parts, { maxOperations, interval, enabled }))
  return undefined
}

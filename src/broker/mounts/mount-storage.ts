import { BrokerError } from '../../contracts/index.ts'
import type { Json, MountReader, MountStorage, Stored, TargetId } from '../../contracts/index.ts'
import type { Barrier } from '../../seal/barrier.ts'
import type { Intention } from '../../store/change.ts'
import type { Store } from '../../store/store.ts'
import { putEntry, readEntry } from './sealed-rows.ts'

const listLimitMax = 1_000

interface StorageParts {
  readonly store: Store
  readonly barrier: Barrier
  readonly clock: { now(): Temporal.Instant }
}

export function mountSpace(uuid: string): string {
  return `mount:${uuid}`
}

export function intentPlace(mount: string, task: string, key: string) {
  return { table: 'task', row: `${mount}\n${task}\n${key}`, column: 'intent' }
}

/** A mount's sealed rows, for reading. */
export function mountReader(parts: StorageParts, uuid: string): MountReader {
  const space = mountSpace(uuid)
  return {
    get: (key): Promise<Stored | undefined> => readEntry(parts.store, parts.barrier, space, checkKey(key)),
    async list(prefix, page = {}) {
      const after = page.after === undefined || page.after === '' ? '' : prefix + page.after
      const keys = await parts.store.keys(space, prefix, after, Math.min(page.limit ?? listLimitMax, listLimitMax))
      return keys.map(key => key.slice(prefix.length))
    }
  }
}

/** A mount's sealed rows with a pen: what is written is only collected, by `change`, and committed by the broker with the audit entries of the request. */
export function mountStorage(parts: StorageParts, uuid: string, change: (intention: Intention) => void): MountStorage {
  const space = mountSpace(uuid)
  return {
    ...mountReader(parts, uuid),
    put: (key: string, value: Json, expected?: number) => change(putEntry(parts.barrier, space, checkKey(key), value, expected)),
    remove: (key, expected) => change({ kind: 'entry.remove', space, key: checkKey(key), ...(expected === undefined ? {} : { expected }) }),
    take: key => change({ kind: 'entry.take', space, key: checkKey(key) }),
    schedule: (task, key, dueAt, intent) =>
      change({
        kind: 'task.schedule',
        mount: uuid,
        task,
        key,
        dueAt,
        intent: parts.barrier.sealJson(intentPlace(uuid, task, key), intent)
      }),
    unschedule: (task, key) => change({ kind: 'task.unschedule', mount: uuid, task, key }),
    retire: (target: TargetId) => change({ kind: 'target.retire', target }),
    used: (name, sighting) => change({ kind: 'lease.used', mount: uuid, name, sighting }),
    async reserve(sequence, count, beside = []) {
      const now = parts.clock.now()
      const rows = beside.map(({ key, value }) => ({ ...putEntry(parts.barrier, space, checkKey(key), value), now }))
      const results = await parts.store.commit([...rows, { kind: 'sequence.reserve', now, space, sequence, count }], [])
      return results.at(-1)!.count!
    }
  }
}

function checkKey(key: string): string {
  if (!/^[A-Za-z0-9_.@/-]{1,512}$/.test(key))
    throw new BrokerError('invalid_request', 'a name may have letters, digits, "_", "-", "." and "@" only')
  return key
}

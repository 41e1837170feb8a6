import type { LoginStorage } from '../../contracts/index.ts'
import type { Intention } from '../../store/change.ts'
import { mountSpace, mountStorage } from '../mounts/mount-storage.ts'
import type { Parts } from '../parts.ts'
import { entryPlace, putEntry } from '../mounts/sealed-rows.ts'

/** As `mountStorage`, with what single use needs. The count lies beside the sealed value, in clear: one statement takes a use without opening it. */
export function loginStorage(parts: Parts, uuid: string, change: (intention: Intention) => void): LoginStorage {
  const space = mountSpace(uuid)
  const { store, barrier } = parts
  return {
    ...mountStorage(parts, uuid, change),
    async counted(key) {
      const entry = await store.entry(space, key)
      return entry && { value: barrier.openKept(entryPlace(space, key), entry.value), version: entry.version, uses: entry.uses }
    },
    putCounted: (key, value, uses) => change({ ...putEntry(barrier, space, key, value, 0), uses }),
    spend: key => change({ kind: 'entry.spend', space, key }),
    expect: (key, version) => change({ kind: 'entry.expect', space, key, version })
  }
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import type { Store } from '../../src/store/store.ts'
import type { StoreUnderTest } from '../contract/store/world.ts'

// Enough for tests: the real one would write 64 MiB for each.
const reserveBytes = 65_536

/** A store in a folder of its own, which goes with it. */
export async function sqliteUnderTest(): Promise<StoreUnderTest & { readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-store-'))
  const path = join(folder, 'data')
  let store: Store = await openSqlite({ path, reserveBytes })
  return {
    path,
    store,
    async restart() {
      await store[Symbol.asyncDispose]()
      store = await openSqlite({ path, reserveBytes })
      return store
    },
    usurp: () => openSqlite({ path, reserveBytes, allowSecondOwner: true }),
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    }
  }
}

import { closeSync, openSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { backup } from 'node:sqlite'
import { BrokerError } from '../../../contracts/index.ts'
import type { Database } from '../database.ts'
import { reserveBytesMax } from '../folder/disk-room.ts'
import { isFull, storeError } from '../sqlite-error.ts'

// Between two of them commits go on: 400 KB are copied in a fraction of what an fsync takes (measured with 942 MB, copied in 10 s under 16 callers: 4,379 commits a second during
// it and 4,100 after it, their p99 37 ms and 34 ms).
const pagesPerStep = 100

// Of a writer that is busy all the time some nine in ten beginnings fail, each within a millisecond.
const beginningsMax = 1_000

/** A whole and consistent copy of a database that goes on being written, in clear. From the connection that writes: commits of another would begin it anew. */
export async function copyDatabase(db: Database, file: string, isEnding: () => boolean): Promise<void> {
  refuseWithoutRoom(db, file)
  closeSync(openSync(file, 'wx', 0o600))
  for (let begun = 1; !(await copied(db, file, isEnding)); begun++)
    if (begun === beginningsMax) throw new BrokerError('store_unreachable', 'the store is too busy to be copied')
}

/** False when it could not begin: its first step met a transaction of a commit, and Node takes a copy of which no page is left for one that is done. Later steps wait. */
async function copied(db: Database, file: string, isEnding: () => boolean): Promise<boolean> {
  const progress = () => {
    if (isEnding()) throw new BrokerError('store_unreachable', 'the store is closed')
  }
  try {
    progress()
    await backup(db.connection, file, { rate: pagesPerStep, progress })
    return true
  } catch (error) {
    if (hasNotBegun(error)) return false
    throw isFull(error) ? storeError('the disk is full', error) : error
  }
}

/** An error that says that there was none. */
function hasNotBegun(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 0
}

/** What the copy takes must not be what ending leases needs. */
function refuseWithoutRoom({ connection }: Database, file: string): void {
  const database = connection.location()
  if (database === null) throw new BrokerError('invalid_request', 'a store in memory has no backup')
  const { bavail, bsize } = statfsSync(dirname(file))
  const needed = statSync(database).size + 2 * reserveBytesMax
  if (bavail * bsize < needed)
    throw new BrokerError(
      'invalid_request',
      `not enough room in the data folder: a backup needs ${Math.ceil(needed / 1_048_576)} MiB there for a while`
    )
}

import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { TestClock } from '../sim/test-clock.ts'
import { smallBroker, withUsers } from './small-broker.ts'

test('a store that was damaged on its disk is found after the start, and nothing is issued from it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-damaged-'))
  const clock = new TestClock()
  let root: string
  {
    await using store = await openSqlite({ path: folder })
    await using broker = await smallBroker({ store, clock })
    root = broker.root
    await withUsers(broker)
    for (let i = 0; i < 40; i++) await broker.ask('read', 'users/creds/app')
    await broker.ask('write', 'sys/leases/revoke-prefix/users', { sync: false })
    await expect.poll(async () => (await clock.advance('PT1S'), store.leaseIds('', '', 1))).toEqual([])
    expect(await store.inspect(AbortSignal.timeout(20_000))).toEqual([])
  }
  await damage(join(folder, 'mayfly.db'))
  {
    await using store = await openSqlite({ path: folder })
    await using broker = await smallBroker({ store, clock, root })
    await expect
      .poll(async () => {
        await clock.advance('PT10S')
        return broker.log.some(line => line.includes('the file of the store is damaged'))
      })
      .toBe(true)
    await expect(broker.ask('read', 'users/creds/app')).rejects.toMatchObject({ code: 'integrity' })
  }
  await rm(folder, { recursive: true })
})

/** Garbles the entries of an index that no start and no issuing reads. */
async function damage(file: string): Promise<void> {
  const database = new DatabaseSync(file)
  database.exec('pragma wal_checkpoint(truncate)')
  const { page } = database.prepare("select rootpage as page from sqlite_schema where name = 'target_mount'").get() as { page: number }
  const { size } = database.prepare('select page_size as size from pragma_page_size').get() as { size: number }
  database.close()
  const handle = await open(file, 'r+')
  await handle.write(Buffer.alloc(200, 0xa5), 0, 200, page * size - 200)
  await handle.close()
}

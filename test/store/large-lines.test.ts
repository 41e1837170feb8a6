import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { openSqlite } from '../../src/store/sqlite/open.ts'

test('commits with long lines of the trail do not all become one row', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-lines-'))
  await using _ = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
  const path = join(folder, 'store')
  const store = await openSqlite({ path, reserveBytes: 65_536 })
  const body = `{"time":"2026-11-24T00:00:00Z","long":"${'x'.repeat(1_000_000)}"}`
  await Promise.all(Array.from({ length: 40 }, () => store.commit([], [body])))
  await store[Symbol.asyncDispose]()
  using db = new DatabaseSync(join(path, 'mayfly.db'), { readOnly: true })
  const rows = db.prepare('select last_seq - first_seq + 1 as count, length(lines) as chars from audit').all()
  expect(rows.reduce((sum, { count }) => sum + Number(count), 0)).toBe(40)
  expect(Math.max(...rows.map(({ chars }) => Number(chars)))).toBeLessThan(18_000_000)
})

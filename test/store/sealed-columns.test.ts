import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { Database } from '../../src/store/sqlite/database.ts'
import { migrate } from '../../src/store/sqlite/schema.ts'
import { sealedColumns } from '../../src/store/sqlite/rows/sealed-columns.ts'

// Sealed under another key than the keyring's: the root key, or one that only a wrapping token gives.
const otherKeys = ['seal.root_key', 'seal.keyring', 'wrapping.reply']

test('every column of the schema that holds sealed values is sealed anew by a rotation, or is under another key', () => {
  const db = new Database(new DatabaseSync(':memory:'))
  migrate(db, 'memory')
  const blobs = db.all<{ at: string }>(
    `select t.name || '.' || c.name as at from pragma_table_list t, pragma_table_info(t.name) c where t.schema = 'main' and c.type = 'BLOB' order by at`
  )
  const covered = Object.entries(sealedColumns).map(([table, { column }]) => `${table}.${column}`)
  expect(blobs.map(({ at }) => at)).toEqual([...covered, ...otherKeys].toSorted())
  db.close()
})

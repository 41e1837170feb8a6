import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { linkHash, unchain } from '../../src/audit/chain.ts'
import { copyDatabase } from '../../src/store/sqlite/copies/copy-database.ts'
import { openWriting } from '../../src/store/sqlite/database.ts'
import { discardCopy } from '../../src/store/sqlite/copies/snapshot.ts'
import { openMemory } from '../../src/store/sqlite/open.ts'
import type { Store } from '../../src/store/store.ts'
import { sqliteUnderTest } from './sqlite-under-test.ts'

const now = Temporal.Instant.from('2026-11-29T12:00:00Z')

async function put(store: Store, key: string, bytes = 1_000): Promise<void> {
  await store.commit([{ kind: 'entry.put', now, space: 's', key, value: new Uint8Array(bytes) }], [`{"key":"${key}"}`])
}

async function initialise(store: Store): Promise<void> {
  const record = { kind: 'key_file', config: '{}', rootKey: new Uint8Array(1), keyring: new Uint8Array(1), instance: 'i' }
  await store.commit([{ kind: 'seal.initialise', now, record }], ['{"n":0}'])
}

const leftOf = (path: string) => readdirSync(path).filter(name => name.startsWith('copy-'))

describe('a snapshot', () => {
  test('is one moment of a store that goes on being written: all up to it, nothing after it, and nothing in between', async () => {
    await using under = await sqliteUnderTest()
    const { store, path } = under
    await initialise(store)
    await Promise.all(Array.from({ length: 4_000 }, (_, n) => put(store, `before ${n}`)))
    let written = 0
    const stop = new AbortController()
    const writing = (async () => {
      while (!stop.signal.aborted) await put(store, `during ${written++}`)
    })()
    const finish = () => (stop.abort(), writing)
    await using snapshot = await store.snapshot().finally(finish)
    const file = join(path, '..', 'snapshot.db')
    const bytes: Uint8Array[] = []
    for await (const chunk of snapshot.chunks(65_536)) bytes.push(chunk)
    writeFileSync(file, Buffer.concat(bytes))
    expect(statSync(file).size).toBe(snapshot.facts.bytes)
    using db = new DatabaseSync(file, { readOnly: true })
    expect(db.prepare('pragma quick_check').get()).toEqual({ quick_check: 'ok' })
    const keys = db
      .prepare(`select key from entry where space = 's' and key like 'during %'`)
      .all()
      .map(row => Number(String(row['key']).slice(7)))
    expect(keys.toSorted((a, b) => a - b)).toEqual(keys.map((_, n) => n))
    expect(keys.length).toBeLessThanOrEqual(written)
    expect(db.prepare(`select count(*) as count from entry where key like 'before %'`).get()).toEqual({ count: 4_000 })
    const lines = db
      .prepare('select lines from audit order by first_seq')
      .all()
      .flatMap(row => String(row['lines']).split('\n'))
    expect(unchain(lines.at(-1)!)).toMatchObject({ seq: snapshot.facts.head.seq, hash: snapshot.facts.head.hash })
    expect(lines).toHaveLength(4_001 + keys.length)
    for (const [n, line] of lines.slice(1).entries()) {
      const { node, seq, hash, body } = unchain(line)!
      expect(linkHash(node, unchain(lines[n]!)!.hash, seq, body)).toBe(hash)
    }
    expect(leftOf(path)).toEqual([])
  })

  test('that nobody reads leaves nothing, nor does one that the end of the store cuts off', async () => {
    await using under = await sqliteUnderTest()
    const { store, path } = under
    await initialise(store)
    await Promise.all(Array.from({ length: 3_000 }, (_, n) => put(store, `${n}`, 8_000)))
    {
      await using _ = await store.snapshot()
      expect(leftOf(path)).toHaveLength(1)
    }
    expect(leftOf(path)).toEqual([])
    const cut = store.snapshot()
    const outcome = cut.then(
      () => 'made',
      (error: Error) => error.message
    )
    await store[Symbol.asyncDispose]()
    expect(await outcome).toContain('the store is closed')
    expect(leftOf(path)).toEqual([])
  })

  test('begins although the writer is never at rest', async () => {
    await using under = await sqliteUnderTest()
    const { store, path } = under
    await initialise(store)
    const stop = new AbortController()
    const caller = async (name: number) => {
      for (let n = 0; !stop.signal.aborted; n++) await put(store, `${name} ${n % 100}`)
    }
    const callers = Promise.all(Array.from({ length: 16 }, (_, name) => caller(name)))
    try {
      for (let n = 0; n < 10; n++) await (await store.snapshot())[Symbol.asyncDispose]()
    } finally {
      stop.abort()
      await callers
    }
    expect(leftOf(path)).toEqual([])
  })

  test('is made one at a time', async () => {
    await using under = await sqliteUnderTest()
    const { store } = under
    await initialise(store)
    await Promise.all(Array.from({ length: 1_000 }, (_, n) => put(store, `${n}`, 8_000)))
    const first = store.snapshot()
    await expect(store.snapshot()).rejects.toMatchObject({ code: 'conflict' })
    await (await first)[Symbol.asyncDispose]()
    await (await store.snapshot())[Symbol.asyncDispose]()
    expect(leftOf(under.path)).toEqual([])
  })

  test('of a store in memory is refused', async () => {
    await using store = await openMemory()
    await expect(store.snapshot()).rejects.toMatchObject({ code: 'invalid_request' })
  })
})

const mayMount = process.getuid?.() === 0 && process.platform === 'linux'

test.runIf(mayMount)(
  'a disk that fills while it is copied ends the copy and nothing else; one without room for it refuses',
  async context => {
    const disk = await mkdtemp(join(tmpdir(), 'mayfly-copy-disk-'))
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=180m', 'tmpfs', disk]).status !== 0) {
      context.skip('this machine lets nobody mount')
      return
    }
    try {
      const db = openWriting(join(disk, 'a.db'))
      db.run('create table t (v blob)')
      for (let n = 0; n < 20; n++) db.run('insert into t values (randomblob(1000000))')
      const free = () => statfsSync(disk).bavail * statfsSync(disk).bsize
      let filled = false
      const fill = () => {
        if (!filled) writeFileSync(join(disk, 'ballast'), Buffer.alloc(free() - 2_000_000))
        filled = true
        return false
      }
      await expect(copyDatabase(db, join(disk, 'copy.db'), fill)).rejects.toMatchObject({
        code: 'store_unreachable',
        message: 'the disk is full'
      })
      discardCopy(join(disk, 'copy.db'))
      db.run('insert into t values (1)')
      await expect(copyDatabase(db, join(disk, 'again.db'), () => false)).rejects.toThrow('not enough room in the data folder')
      expect(existsSync(join(disk, 'again.db'))).toBe(false)
      rmSync(join(disk, 'ballast'))
      await copyDatabase(db, join(disk, 'again.db'), () => false)
      db.close()
    } finally {
      spawnSync('umount', [disk])
      await rm(disk, { recursive: true })
    }
  }
)

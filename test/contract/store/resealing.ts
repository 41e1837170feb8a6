import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sealedTables } from '../../../src/store/store.ts'
import type { SealedTable } from '../../../src/store/store.ts'
import { World, bytes } from './world.ts'
import type { OpenStore } from './world.ts'

/** What a value under the key of this id looks like. */
const under = (key: number, text: string): Uint8Array => {
  const front = Buffer.alloc(5)
  front.writeUInt8(1)
  front.writeUInt32BE(key, 1)
  return new Uint8Array(Buffer.concat([front, bytes(text)]))
}

export function resealing(open: OpenStore): void {
  describe('sealing anew', () => {
    let world: World
    beforeEach(async () => void (world = await World.open(open)))
    afterEach(() => world[Symbol.asyncDispose]())

    const put = (space: string, key: string, value: Uint8Array) => world.change({ kind: 'entry.put', space, key, value })

    /** Everything of a table that is under a key below `below`, from pages of two. */
    async function walk(table: SealedTable, below: number): Promise<{ keys: string[][]; pages: number }> {
      const keys: string[][] = []
      for (let cursor = '', pages = 0; ; pages++) {
        const { rows, next } = await world.store.sealedPage(table, cursor, below, 2)
        keys.push(...rows.map(row => [...row.keys]))
        if (next === undefined) return { keys, pages }
        cursor = next
      }
    }

    test('pages walk every row once, in all tables, and tell those of older keys', async () => {
      for (const [key, id] of [
        ['a', 1],
        ['b', 2],
        ['c', 1],
        ['d/e', 3]
      ] as const)
        await put('s1', key, under(id, key))
      await put('s2', 'a', under(1, 'a'))
      await put('s2', 'lone', under(0, 'its own key'))
      await world.change({ kind: 'task.schedule', mount: 'm', task: 't', key: 'k', dueAt: world.now, intent: under(1, 'i') })
      const token = await world.token()
      const old = await world.begin(token, { handle: under(2, 'h'), recipe: 'r1' })
      await world.begin(token, { handle: under(3, 'h'), recipe: 'r2' })
      expect(await walk('entry', 3)).toEqual({
        keys: [
          ['s1', 'a'],
          ['s1', 'b'],
          ['s1', 'c'],
          ['s2', 'a']
        ],
        pages: 3
      })
      expect(await walk('entry', 2)).toMatchObject({
        keys: [
          ['s1', 'a'],
          ['s1', 'c'],
          ['s2', 'a']
        ]
      })
      expect(await walk('task', 2)).toMatchObject({ keys: [['m', 't', 'k']] })
      expect(await walk('lease', 3)).toMatchObject({ keys: [[old.id]] })
      for (const table of sealedTables) expect(await walk(table, 1)).toMatchObject({ keys: [] })
    })

    test('a row is replaced only while its old value is there, and its version stays', async () => {
      await put('s', 'kept', under(1, 'old'))
      await put('s', 'changed', under(1, 'old'))
      const before = await world.store.entry('s', 'kept')
      await put('s', 'changed', under(2, 'newer'))
      await world.change({ kind: 'reseal.begin', below: 2 })
      const rows = ['kept', 'changed', 'gone'].map(key => ({ keys: ['s', key], old: under(1, 'old'), sealed: under(2, 'old') }))
      const done = { kind: 'reseal.rows', below: 2, table: 'entry', cursor: '["s","kept"]', unreadable: 1, rows } as const
      expect(await world.change(done)).toMatchObject({ count: 1 })
      expect(await world.store.entry('s', 'kept')).toMatchObject({ version: before?.version, value: under(2, 'old') })
      expect((await world.store.entry('s', 'changed'))?.value).toEqual(under(2, 'newer'))
      expect(await world.store.entry('s', 'gone')).toBeUndefined()
      expect(await world.store.resealing()).toEqual({
        below: 2,
        table: 'entry',
        cursor: '["s","kept"]',
        resealed: 1,
        unreadable: 1,
        begunAt: world.now
      })
    })

    test('from the beginning of a pass on nothing comes in under an older key, and a key of its own passes', async () => {
      const token = await world.token()
      const promised = await world.begin(token)
      await world.change({ kind: 'reseal.begin', below: 2 })
      const intent = { kind: 'task.schedule', mount: 'm', task: 't', key: 'k', dueAt: world.now } as const
      const activation = {
        kind: 'lease.activate',
        id: promised.id,
        version: promised.version,
        visible: {},
        guarantees: promised.guarantees,
        expiresAt: world.in({ hours: 1 })
      } as const
      await expect(put('s', 'k', under(1, 'late'))).rejects.toMatchObject({ code: 'conflict' })
      await expect(world.change({ ...intent, intent: under(1, 'late') })).rejects.toMatchObject({ code: 'conflict' })
      await expect(world.begin(token, { handle: under(1, 'late') })).rejects.toMatchObject({ code: 'conflict' })
      await expect(world.change({ ...activation, handle: under(1, 'late') })).rejects.toMatchObject({ code: 'conflict' })
      await world.change({ kind: 'reseal.end', below: 2 })
      await expect(put('s', 'k', under(1, 'later still'))).rejects.toMatchObject({ code: 'conflict' })
      await world.change({ ...activation, handle: under(2, 'h') })
      for (const id of [0, 2, 3]) await put('s', 'k', under(id, 'in time'))
    })

    test('there is one pass at a time, and nobody works for one that is over', async () => {
      expect(await world.change({ kind: 'reseal.begin', below: 2 })).toMatchObject({ applied: true })
      expect(await world.change({ kind: 'reseal.begin', below: 3 })).toMatchObject({ applied: false })
      await expect(world.change({ kind: 'reseal.end', below: 3 })).rejects.toMatchObject({ code: 'conflict' })
      await world.change({ kind: 'reseal.end', below: 2 })
      expect(await world.store.resealing()).toBeUndefined()
      const late = { kind: 'reseal.rows', below: 2, table: 'lease', cursor: '[1]', unreadable: 0, rows: [] } as const
      await expect(world.change(late)).rejects.toMatchObject({ code: 'conflict' })
    })
  })
}

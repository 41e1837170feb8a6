import { describe, expect, test } from 'vitest'
import { World, bytes } from './world.ts'
import type { OpenStore } from './world.ts'

export function sealedRows(open: OpenStore): void {
  describe('sealed rows', () => {
    test('a store is initialised once in its life', async () => {
      await using world = await World.open(open)
      const record = { kind: 'shamir', config: '{"shares":5}', rootKey: bytes('root'), keyring: bytes('ring'), instance: 'i-1' }
      expect(await world.store.readSeal()).toBeUndefined()
      await expect(world.change({ kind: 'seal.keyring', keyring: bytes('no') })).rejects.toMatchObject({ code: 'invalid_request' })
      await world.change({ kind: 'seal.initialise', record })
      const again = world.change({ kind: 'seal.initialise', record: { ...record, instance: 'i-2' } })
      await expect(again).rejects.toMatchObject({ code: 'invalid_request', message: 'Vault is already initialized' })
      expect(await world.store.readSeal()).toEqual(record)
      await world.change({ kind: 'seal.rekey', rootKey: bytes('root 2'), config: '{"shares":3}' })
      await world.change({ kind: 'seal.keyring', keyring: bytes('ring 2') })
      const now = { ...record, rootKey: bytes('root 2'), config: '{"shares":3}', keyring: bytes('ring 2') }
      expect(await world.store.readSeal()).toEqual(now)
      const late = [
        { kind: 'seal.rekey', rootKey: bytes('root 3'), config: '{}', expected: bytes('root') },
        { kind: 'seal.keyring', keyring: bytes('ring 3'), expected: bytes('ring') }
      ] as const
      for (const change of late) await expect(world.change(change)).rejects.toMatchObject({ code: 'conflict' })
      expect(await world.store.readSeal()).toEqual(now)
      await world.change({ kind: 'seal.keyring', keyring: bytes('ring 3'), expected: bytes('ring 2') })
      expect((await world.store.readSeal())?.keyring).toEqual(bytes('ring 3'))
    })

    test('a row is written only over the version that the writer has read', async () => {
      await using world = await World.open(open)
      const put = (value: string, expected?: number) =>
        world.change({ kind: 'entry.put', space: 's', key: 'k', value: bytes(value), ...(expected === undefined ? {} : { expected }) })
      await expect(put('a', 7)).rejects.toMatchObject({ code: 'conflict' })
      await put('a', 0)
      await expect(put('b', 0)).rejects.toMatchObject({ code: 'conflict' })
      const first = (await world.store.entry('s', 'k'))!
      await put('b', first.version)
      await expect(put('c', first.version)).rejects.toMatchObject({ code: 'conflict' })
      const second = (await world.store.entry('s', 'k'))!
      expect(second.value).toEqual(bytes('b'))
      expect(second.version).toBeGreaterThan(first.version)
      await put('d')
      expect((await world.store.entry('s', 'k'))?.value).toEqual(bytes('d'))
    })

    test('a row that was removed and made again has a version that nobody holds', async () => {
      await using world = await World.open(open)
      await world.change({ kind: 'entry.put', space: 's', key: 'k', value: bytes('a') })
      const old = (await world.store.entry('s', 'k'))!.version
      await expect(world.change({ kind: 'entry.remove', space: 's', key: 'k', expected: old + 1 })).rejects.toMatchObject({
        code: 'conflict'
      })
      expect(await world.change({ kind: 'entry.remove', space: 's', key: 'k', expected: old })).toMatchObject({ applied: true })
      expect(await world.change({ kind: 'entry.remove', space: 's', key: 'k' })).toMatchObject({ applied: false })
      await world.change({ kind: 'entry.put', space: 's', key: 'k', value: bytes('b'), expected: 0 })
      await expect(world.change({ kind: 'entry.put', space: 's', key: 'k', value: bytes('c'), expected: old })).rejects.toMatchObject({
        code: 'conflict'
      })
    })

    test('of a hundred that take a row one gets it', async () => {
      await using world = await World.open(open)
      await world.change({ kind: 'entry.put', space: 's', key: 'once', value: bytes('a') })
      const takes = await Promise.allSettled(
        Array.from({ length: 100 }, () => world.change({ kind: 'entry.take', space: 's', key: 'once' }))
      )
      expect(takes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect(await world.store.entry('s', 'once')).toBeUndefined()
    })

    test('keys come in order, by prefix, page by page', async () => {
      await using world = await World.open(open)
      for (const key of ['roles/b', 'roles/a', 'role', 'roles/é', 'rolesz', 'roles/\u{1f600}']) {
        await world.change({ kind: 'entry.put', space: 's', key, value: bytes(key) })
      }
      await world.change({ kind: 'entry.put', space: 't', key: 'roles/other', value: bytes('x') })
      expect(await world.store.keys('s', 'roles/', '', 2)).toEqual(['roles/a', 'roles/b'])
      expect(await world.store.keys('s', 'roles/', 'roles/b', 10)).toEqual(['roles/é', 'roles/\u{1f600}'])
      expect(await world.store.keys('s', '', '', 10)).toHaveLength(6)
    })

    test('the generation that authenticating tells rises with each change of a mount or a policy, and with nothing else', async () => {
      await using world = await World.open(open)
      const generation = async () => (await world.store.authenticate('nobody', world.now)).generation
      const put = (space: string) => world.change({ kind: 'entry.put', space, key: 'k', value: bytes('v') })
      const first = await generation()
      await put('mount')
      await put('policy')
      expect(await generation()).toBe(first + 2)
      await put('elsewhere')
      await world.change({ kind: 'entry.remove', space: 'mount', key: 'not there' })
      expect(await generation()).toBe(first + 2)
      await world.change({ kind: 'entry.remove', space: 'policy', key: 'k' })
      expect(await generation()).toBe(first + 3)
      const { entries, generation: told } = await world.store.entries('mount')
      expect(told).toBe(first + 3)
      expect(entries.map(({ key, value }) => [key, value])).toEqual([['k', bytes('v')]])
    })

    test('numbers of a sequence are handed out once, from 1 on', async () => {
      await using world = await World.open(open)
      const reserve = (count: number) => world.change({ kind: 'sequence.reserve', space: 's', sequence: 'serial', count })
      expect((await reserve(3)).count).toBe(1)
      const counts = await Promise.all(Array.from({ length: 20 }, () => reserve(2)))
      expect(new Set(counts.map(({ count }) => count)).size).toBe(20)
      expect((await reserve(1)).count).toBe(44)
    })

    test('a space is dropped only when no lease of its mount is left, and nothing begins there afterwards', async () => {
      await using world = await World.open(open)
      const token = await world.token()
      const lease = await world.active(token)
      const task = { mount: 'mount-1', task: 'rotate', key: 'k' }
      await world.change({ kind: 'entry.put', space: 'mount/mount-1', key: 'k', value: bytes('v') })
      await world.change({ kind: 'task.schedule', ...task, dueAt: world.now, intent: bytes('i') })
      const drop = () => world.change({ kind: 'space.drop', space: 'mount/mount-1', mount: 'mount-1' })
      await expect(drop()).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('1 lease') as string })
      expect(await world.store.entry('mount/mount-1', 'k')).toBeDefined()

      await world.due(lease.id)
      await world.settle(await world.claim(), { outcome: 'gone' })
      await drop()
      expect(await world.store.entry('mount/mount-1', 'k')).toBeUndefined()
      expect((await world.store.dueWork(world.now)).tasks).toEqual([])
      expect(await world.store.targets()).toEqual([])
      await expect(world.begin(token)).rejects.toMatchObject({ code: 'invalid_request' })
      const late = world.change({ kind: 'task.schedule', ...task, dueAt: world.now, intent: bytes('i') })
      await expect(late).rejects.toMatchObject({ code: 'invalid_request' })
    })

    test('a call is all or nothing, and its neighbours in the same group do not notice', async () => {
      await using world = await World.open(open)
      const put = (key: string, expected: number) =>
        ({ kind: 'entry.put', now: world.now, space: 's', key, value: bytes(key), expected }) as const
      await world.store.commit([put('there', 0)], [])
      const head = await world.store.chainHead()
      const [before, lost, after] = await Promise.allSettled([
        world.store.commit([put('before', 0)], ['{"n":"before"}']),
        world.store.commit([put('first', 0), put('there', 0), put('third', 0)], ['{"n":"lost"}']),
        world.store.commit([put('after', 0)], ['{"n":"after"}'])
      ])
      expect([before.status, lost.status, after.status]).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      expect(lost).toMatchObject({ reason: { name: 'LostCondition', change: 'entry.put', code: 'conflict' } })
      expect(await world.store.keys('s', '', '', 10)).toEqual(['after', 'before', 'there'])
      const lines = await world.store.auditLines(head.seq, 10)
      expect(lines.map(({ line }) => (JSON.parse(line) as { n: string }).n)).toEqual(['before', 'after'])
    })
  })
}

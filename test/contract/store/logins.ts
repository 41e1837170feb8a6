import { describe, expect, test } from 'vitest'
import { World, bytes } from './world.ts'
import type { OpenStore } from './world.ts'

const method = 'auth-mount-1'

export function logins(open: OpenStore): void {
  describe('logins', () => {
    test('of a hundred that spend a row with three uses two get one, and the third is taken with the row', async () => {
      await using world = await World.open(open)
      await world.change({ kind: 'entry.put', space: 's', key: 'k', value: bytes('a'), expected: 0, uses: 3 })
      const spends = await Promise.allSettled(
        Array.from({ length: 100 }, () => world.change({ kind: 'entry.spend', space: 's', key: 'k' }))
      )
      expect(spends.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
      expect(new Set(spends.flatMap(spend => (spend.status === 'rejected' ? [(spend.reason as { code: string }).code] : [])))).toEqual(
        new Set(['conflict'])
      )
      expect(await world.store.entry('s', 'k')).toMatchObject({ uses: 1 })
      await world.change({ kind: 'entry.take', space: 's', key: 'k' })
      await expect(world.change({ kind: 'entry.spend', space: 's', key: 'k' })).rejects.toMatchObject({ code: 'conflict' })
    })

    test('a row that is written anew keeps its uses unless the writer says a number', async () => {
      await using world = await World.open(open)
      const put = (value: string, uses?: number) =>
        world.change({ kind: 'entry.put', space: 's', key: 'k', value: bytes(value), ...(uses === undefined ? {} : { uses }) })
      await put('a', 5)
      await world.change({ kind: 'entry.spend', space: 's', key: 'k' })
      await put('b')
      expect(await world.store.entry('s', 'k')).toMatchObject({ value: bytes('b'), uses: 4 })
      await put('c', 9)
      expect(await world.store.entry('s', 'k')).toMatchObject({ uses: 9 })
    })

    test('a large space is thinned in batches, and no other space is', async () => {
      await using world = await World.open(open)
      const put = (space: string, key: number) => world.change({ kind: 'entry.put', space, key: String(key), value: bytes('a') })
      for (let key = 0; key < 5; key++) await put('s', key)
      await put('other', 1)
      const thin = async () => (await world.change({ kind: 'space.thin', space: 's', limit: 2 })).count
      expect([await thin(), await thin(), await thin(), await thin()]).toEqual([2, 2, 1, 0])
      expect(await world.store.keys('s', '', '', 10)).toEqual([])
      expect(await world.store.keys('other', '', '', 10)).toEqual(['1'])
    })

    test('a use leaves the version, so that a reader whose row lost one still has the row', async () => {
      await using world = await World.open(open)
      await world.change({ kind: 'entry.put', space: 's', key: 'k', value: bytes('a'), uses: 5 })
      const { version } = (await world.store.entry('s', 'k'))!
      await world.change({ kind: 'entry.spend', space: 's', key: 'k' })
      await world.change({ kind: 'entry.expect', space: 's', key: 'k', version })
      await world.change({ kind: 'entry.put', space: 's', key: 'k', value: bytes('b') })
      const expecting = () => world.change({ kind: 'entry.expect', space: 's', key: 'k', version })
      await expect(expecting()).rejects.toMatchObject({ code: 'conflict' })
      await world.change({ kind: 'entry.remove', space: 's', key: 'k' })
      await expect(expecting()).rejects.toMatchObject({ code: 'conflict' })
    })

    test('what was expected and is not leaves nothing of the commit', async () => {
      await using world = await World.open(open)
      const token = world.newToken({ authMount: method })
      const commit = world.store.commit(
        [
          { kind: 'token.create', token, now: world.now },
          { kind: 'entry.expect', space: 's', key: 'nothing', version: 1, now: world.now }
        ],
        []
      )
      await expect(commit).rejects.toMatchObject({ code: 'conflict', change: 'entry.expect' })
      expect(await world.store.token(token.hash)).toBeUndefined()
    })

    test('with its auth method a token and all below it are unusable in one commit, and none is given any more', async () => {
      await using world = await World.open(open)
      const login = await world.token({ authMount: method, path: 'auth/approle/login' })
      const child = await world.token({ parent: login.hash })
      const other = await world.token({ authMount: 'auth-mount-2' })
      const lease = await world.active(child)
      expect(await world.store.token(login.hash)).toEqual(login)
      expect(await world.store.liveLogins(method)).toBe(1)
      await world.change({ kind: 'cascade.open', selector: { kind: 'auth', mount: method }, cause: 'mount-disabled', by: 'ops' })
      const alive = async (hash: string) => (await world.store.authenticate(hash, world.now)).token !== undefined
      expect([await alive(login.hash), await alive(child.hash), await alive(other.hash)]).toEqual([false, false, true])
      await expect(world.token({ authMount: method })).rejects.toMatchObject({ code: 'permission_denied' })
      await expect(world.begin(child)).rejects.toMatchObject({ code: 'permission_denied' })

      await world.cascade(1)
      expect(await world.store.liveLogins(method)).toBe(0)
      expect(await world.store.token(login.hash)).toMatchObject({ endedBy: 'mount-disabled' })
      expect(await world.lease(lease.id)).toMatchObject({ cause: 'mount-disabled', dueAt: world.now })
      expect(await alive(other.hash)).toBe(true)
    })

    test('many logins of a method end in batches', async () => {
      await using world = await World.open(open)
      for (let i = 0; i < 5; i++) await world.token({ authMount: method })
      await world.change({ kind: 'cascade.open', selector: { kind: 'auth', mount: method }, cause: 'mount-disabled', by: '' })
      expect(await world.cascade(2)).toEqual([2, 2, 1])
      expect(await world.store.liveLogins(method)).toBe(0)
    })
  })
}

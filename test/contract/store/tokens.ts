import { describe, expect, test } from 'vitest'
import { tokenDepthMax } from '../../../src/store/token.ts'
import type { Token } from '../../../src/store/token.ts'
import { World } from './world.ts'
import type { OpenStore } from './world.ts'

const alive = async (world: World, token: Token) => (await world.store.authenticate(token.hash, world.now)).token !== undefined

export function tokens(open: OpenStore): void {
  describe('tokens', () => {
    test('what was stored is what is read', async () => {
      await using world = await World.open(open)
      const root = await world.token({ expiresAt: null, policies: ['root'] })
      const token = world.newToken({
        parent: root.hash,
        meta: { team: 'payments' },
        boundCidrs: ['192.0.2.0/24'],
        uses: 3,
        period: 60,
        entity: 'e-1'
      })
      await world.change({ kind: 'token.create', token })
      const stored = { ...token, depth: 1 }
      expect(await world.store.token(token.hash)).toEqual(stored)
      expect((await world.store.authenticate(token.hash, world.now)).token).toEqual(stored)
      expect(await world.store.tokenByAccessor(token.accessor)).toEqual(stored)
      expect(await world.store.authenticate('unknown', world.now)).toMatchObject({ token: undefined })
    })

    test('a token lives while it and every ancestor live', async () => {
      await using world = await World.open(open)
      const root = await world.token({ expiresAt: null })
      const parent = await world.token({ parent: root.hash, expiresAt: world.in({ minutes: 10 }) })
      const child = await world.token({ parent: parent.hash })
      const orphan = await world.token()
      expect(await alive(world, child)).toBe(true)
      world.advance({ minutes: 10 })
      expect(await alive(world, parent)).toBe(false)
      expect(await alive(world, child)).toBe(false)
      expect(await alive(world, orphan)).toBe(true)
      await expect(world.token({ parent: child.hash })).rejects.toMatchObject({ code: 'permission_denied' })
      await expect(world.token({ parent: 'unknown' })).rejects.toMatchObject({ code: 'permission_denied' })
    })

    test('revoking a token makes its whole tree unusable in that commit', async () => {
      await using world = await World.open(open)
      const line = [await world.token()]
      for (let depth = 1; depth <= 5; depth++) line.push(await world.token({ parent: line.at(-1)!.hash }))
      const ended = await world.change({ kind: 'token.end', hash: line[1]!.hash, cause: 'token-revoked', by: 'ops' })
      expect(ended).toMatchObject({ applied: true, token: { endedBy: 'token-revoked', endedAt: world.now } })
      expect(await Promise.all(line.map(token => alive(world, token)))).toEqual([true, false, false, false, false, false])
      expect(await world.change({ kind: 'token.end', hash: line[1]!.hash, cause: 'manual', by: '' })).toMatchObject({ applied: false })
      expect(await world.change({ kind: 'token.end', hash: 'unknown', cause: 'manual', by: '' })).toMatchObject({ applied: false })

      await world.cascade()
      expect((await world.store.token(line[5]!.hash))?.endedBy).toBe('token-revoked')
      expect(await world.store.accessors('', 10)).toEqual([line[0]!.accessor])
    })

    test('tokens nest to a depth, and no hash is used twice', async () => {
      await using world = await World.open(open)
      let parent = await world.token()
      for (let depth = 1; depth <= tokenDepthMax; depth++) parent = await world.token({ parent: parent.hash })
      expect(parent.depth).toBe(tokenDepthMax)
      expect(await alive(world, parent)).toBe(true)
      await expect(world.token({ parent: parent.hash })).rejects.toMatchObject({ code: 'invalid_request' })
      await expect(world.token({ hash: parent.hash })).rejects.toMatchObject({ code: 'invalid_request' })
    })

    test('of a hundred parallel uses of a token with three, three go through, and the last ends it', async () => {
      await using world = await World.open(open)
      const token = await world.token({ uses: 3 })
      const child = await world.token({ parent: token.hash })
      const uses = await Promise.allSettled(Array.from({ length: 100 }, () => world.change({ kind: 'token.use', hash: token.hash })))
      const through = uses.flatMap(use => (use.status === 'fulfilled' ? [use.value] : []))
      expect(new Set(through.map(({ token }) => token?.uses))).toEqual(new Set([0, 1, 2]))
      expect(through.find(({ token }) => token?.uses === 0)?.token?.endedAt).toEqual(world.now)
      expect(uses.filter(use => use.status === 'rejected').map(({ reason }) => (reason as { code: string }).code)).toEqual(
        Array(97).fill('permission_denied')
      )
      expect(await alive(world, child)).toBe(false)
      expect((await world.store.dueWork(world.now)).cascades).toMatchObject([{ kind: 'token', selector: token.hash }])
    })

    test('a token without a count pays nothing, and an expired one is refused', async () => {
      await using world = await World.open(open)
      const token = await world.token({ expiresAt: world.in({ minutes: 1 }) })
      expect(await world.change({ kind: 'token.use', hash: token.hash })).toMatchObject({
        applied: false,
        token: { uses: 0, endedAt: null }
      })
      const counted = await world.token({ uses: 2, expiresAt: world.in({ minutes: 1 }) })
      world.advance({ minutes: 1 })
      for (const { hash } of [token, counted])
        await expect(world.change({ kind: 'token.use', hash })).rejects.toMatchObject({ code: 'permission_denied' })
    })

    test('a renewal moves the end of a token that lives, and of no other', async () => {
      await using world = await World.open(open)
      const token = await world.token({ expiresAt: world.in({ minutes: 1 }) })
      const renew = () => world.change({ kind: 'token.renew', hash: token.hash, expiresAt: world.in({ minutes: 5 }) })
      await renew()
      expect(await world.store.token(token.hash)).toMatchObject({ expiresAt: world.in({ minutes: 5 }), lastRenewal: world.now })
      world.advance({ minutes: 5 })
      await expect(renew()).rejects.toMatchObject({ code: 'permission_denied' })
    })

    test('revoking as orphan keeps the children and ends the leases', async () => {
      await using world = await World.open(open)
      const root = await world.token()
      const token = await world.token({ parent: root.hash })
      const children = [
        await world.token({ parent: token.hash }),
        await world.token({ parent: token.hash }),
        await world.token({ parent: token.hash })
      ]
      const grandchild = await world.token({ parent: children[0]!.hash })
      const lease = await world.active(token)
      await world.change({ kind: 'token.end', hash: token.hash, cause: 'token-revoked', by: '', orphan: true })
      expect(await alive(world, token)).toBe(false)
      const orphans = async () => {
        for (const child of [...children, grandchild]) expect(await alive(world, child)).toBe(true)
        for (const child of children) expect((await world.store.token(child.hash))?.parent).toBeNull()
        expect((await world.store.token(grandchild.hash))?.parent).toBe(children[0]!.hash)
      }
      await orphans()
      await world.cascade(2)
      await orphans()
      expect(await world.lease(lease.id)).toMatchObject({ cause: 'token-revoked', dueAt: world.now })
      await world.change({ kind: 'token.end', hash: root.hash, cause: 'token-revoked', by: '' })
      await orphans()
    })

    test('tokens whose time is over end in batches, each with a cascade only where something hangs on it', async () => {
      await using world = await World.open(open)
      const expiresAt = world.in({ minutes: 1 })
      for (let i = 0; i < 5; i++) await world.token({ expiresAt })
      const parent = await world.token({ expiresAt })
      await world.token({ parent: parent.hash })
      const holder = await world.token({ expiresAt })
      await world.active(holder)
      expect(await world.store.dueWork(world.now)).toMatchObject({ expiredTokens: false, next: expiresAt })
      world.advance({ minutes: 1 })
      expect(await world.store.dueWork(world.now)).toMatchObject({ expiredTokens: true })
      const counts = [await world.change({ kind: 'tokens.expire', limit: 4 }), await world.change({ kind: 'tokens.expire', limit: 4 })].map(
        ({ count }) => count
      )
      expect(counts).toEqual([4, 3])
      const work = await world.store.dueWork(world.now)
      expect(work.expiredTokens).toBe(false)
      expect(work.cascades).toHaveLength(2)
      for (const { hash } of [parent, holder])
        expect(work.cascades).toContainEqual(expect.objectContaining({ selector: hash, cause: 'token-expired' }))
    })

    test('accessors are listed page by page while their tokens live', async () => {
      await using world = await World.open(open)
      const made = [await world.token(), await world.token(), await world.token()]
      await world.change({ kind: 'token.end', hash: made[1]!.hash, cause: 'token-revoked', by: '' })
      const [first, , third] = made.map(({ accessor }) => accessor)
      expect(await world.store.accessors('', 1)).toEqual([first])
      expect(await world.store.accessors(first!, 10)).toEqual([third])
      expect(await world.store.tokenByAccessor(made[1]!.accessor)).toBeUndefined()
    })
  })
}

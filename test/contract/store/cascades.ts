import { describe, expect, test } from 'vitest'
import type { CascadeSelector } from '../../../src/store/change.ts'
import { World } from './world.ts'
import type { OpenStore } from './world.ts'

const openCascade = (world: World, selector: CascadeSelector) =>
  world.change({ kind: 'cascade.open', selector, cause: selector.kind === 'mount' ? 'mount-disabled' : 'prefix', by: 'ops' })

export function cascades(open: OpenStore): void {
  describe('cascades', () => {
    test('a prefix ends its leases in batches, the issuing ones too, and closes when all are due', async () => {
      await using world = await World.open(open)
      const token = await world.token()
      const inside = []
      for (let i = 0; i < 5; i++) inside.push(i % 2 ? await world.begin(token) : await world.active(token))
      const outside = [await world.active(token, { path: 'database/creds/readonly2' }), await world.active(token, { path: 'ssh/sign' })]
      const { cascade } = await openCascade(world, { kind: 'prefix', prefix: 'database/creds/readonly/' })
      expect(await world.store.cascade(cascade!)).toMatchObject({
        kind: 'prefix',
        selector: 'database/creds/readonly/',
        cause: 'prefix',
        by: 'ops'
      })
      expect(await world.cascade(2)).toEqual([2, 2, 1])
      expect(await world.store.cascade(cascade!)).toBeUndefined()
      for (const { id } of inside) expect(await world.lease(id)).toMatchObject({ dueAt: world.now, cause: 'prefix' })
      for (const lease of outside) expect(await world.lease(lease.id)).toEqual(lease)
      await expect(world.activate(inside[1]!)).rejects.toMatchObject({ code: 'conflict' })
      expect(await world.change({ kind: 'cascade.work', id: cascade!, limit: 2 })).toMatchObject({ applied: false })
    })

    test('nothing begins, becomes active or is renewed below an open cascade', async () => {
      await using world = await World.open(open)
      const token = await world.token()
      const issuing = await world.begin(token)
      const active = await world.active(token)
      await openCascade(world, { kind: 'prefix', prefix: 'database/' })
      await expect(world.begin(token)).rejects.toMatchObject({ code: 'invalid_request' })
      await expect(world.activate(issuing)).rejects.toMatchObject({ code: 'invalid_request' })
      await expect(
        world.change({ kind: 'lease.renew', id: active.id, version: active.version, expiresAt: world.in({ hours: 2 }) })
      ).rejects.toMatchObject({ code: 'invalid_lease' })
      await world.begin(token, { path: 'ssh/sign' })
      await world.cascade()
      await world.begin(token)
    })

    test('a mount that ends issues nothing any more, also when its cascade has reached everything', async () => {
      await using world = await World.open(open)
      const token = await world.token()
      const lease = await world.active(token)
      await openCascade(world, { kind: 'mount', mount: 'mount-1' })
      await expect(world.begin(token)).rejects.toMatchObject({ code: 'invalid_request' })
      expect(await world.cascade()).toEqual([1])
      expect(await world.lease(lease.id)).toMatchObject({ cause: 'mount-disabled' })
      await expect(world.begin(token)).rejects.toMatchObject({ code: 'invalid_request' })
      await world.begin(token, { mount: 'mount-2' })
    })

    test('a token tree ends with every lease on it, except those that outlive their token', async () => {
      await using world = await World.open(open)
      const root = await world.token()
      const children = [
        await world.token({ parent: root.hash }),
        await world.token({ parent: root.hash }),
        await world.token({ parent: root.hash })
      ]
      const grandchild = await world.token({ parent: children[2]!.hash })
      const ends = [await world.active(root), await world.begin(children[0]!), await world.active(grandchild)]
      const stays = await world.active(children[1]!, { outlivesToken: true })
      await world.change({ kind: 'token.end', hash: root.hash, cause: 'token-revoked', by: '' })
      const batches = await world.cascade(2)
      expect(Math.max(...batches)).toBeLessThanOrEqual(2)
      for (const { id } of ends) expect(await world.lease(id)).toMatchObject({ cause: 'token-revoked', dueAt: world.now })
      expect(await world.lease(stays.id)).toEqual(stays)
      expect(await world.store.accessors('', 10)).toEqual([])
    })

    test('a lease that a sweeper holds keeps its claim when a cascade passes, and stays due if it is given back', async () => {
      await using world = await World.open(open)
      const lease = await world.active(await world.token())
      const [claimed] = await world.claim({ dueBefore: world.in({ hours: 2 }) })
      await openCascade(world, { kind: 'prefix', prefix: 'database/' })
      await world.cascade()
      expect(await world.settle([claimed!], { outcome: 'early', again: lease.expiresAt })).toBe(1)
      expect(await world.claim()).toMatchObject([{ id: lease.id, cause: 'prefix' }])
    })
  })
}

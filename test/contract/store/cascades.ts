import { describe, expect, test } from 'vitest'
import type { LeaseId } from '../../../src/contracts/index.ts'
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

    test('what was made for a subject ends at its mount, and nothing begins for it meanwhile', async () => {
      await using world = await World.open(open)
      const token = await world.token()
      const own = []
      for (let i = 0; i < 5; i++)
        own.push(i % 2 ? await world.begin(token, { subject: 'key\n1' }) : await world.active(token, { subject: 'key\n1' }))
      const others = [
        await world.active(token, { subject: 'key' }),
        await world.active(token),
        await world.active(token, { subject: 'key\n1', mount: 'mount-2' })
      ]
      const of = async (after: LeaseId | '', limit: number) =>
        (await world.store.leasesOf('mount-1', 'key\n1', after, limit)).map(({ id }) => id)
      expect(await of('', 2)).toEqual([own[0]!.id, own[1]!.id])
      expect(await of(own[1]!.id, 9)).toEqual(own.slice(2).map(({ id }) => id))
      await openCascade(world, { kind: 'subject', mount: 'mount-1', subject: 'key\n1' })
      await expect(world.begin(token, { subject: 'key\n1' })).rejects.toMatchObject({ code: 'invalid_request' })
      await expect(world.activate(own[1]!)).rejects.toMatchObject({ code: 'invalid_request' })
      await world.begin(token, { subject: 'key' })
      await world.begin(token, { subject: 'key\n1', mount: 'mount-2' })
      expect(await world.cascade(2)).toEqual([2, 2, 1])
      for (const { id } of own) expect(await world.lease(id)).toMatchObject({ dueAt: world.now, cause: 'prefix' })
      for (const lease of others) expect(await world.lease(lease.id)).toEqual(lease)
      await world.settle(await world.claim(), { outcome: 'gone' })
      expect(await of('', 9)).toEqual([])
      await world.begin(token, { subject: 'key\n1' })
    })

    const holders = [
      ['entity', 'e 1', { entity: 'e 1' }],
      ['accessor', 'a 1', { accessor: 'a 1' }],
      ['display_name', 'anna\nb', { displayName: 'anna\nb' }]
    ] as const
    test.for(holders)(
      'all that somebody holds by %s ends, in steps, and nothing begins for them meanwhile',
      async ([holder, value, held]) => {
        await using world = await World.open(open)
        const token = await world.token()
        const own = [
          await world.active(token, held),
          await world.begin(token, { ...held, mount: 'mount-2' }),
          await world.active(token, { ...held, outlivesToken: true })
        ]
        const other = await world.active(token)
        const { cascade } = await openCascade(world, { kind: 'holder', holder, value, mount: '' })
        await expect(world.begin(token, held)).rejects.toMatchObject({ code: 'invalid_request' })
        await expect(world.activate(own[1]!)).rejects.toMatchObject({ code: 'invalid_request' })
        await world.begin(token)
        const step = () => world.change({ kind: 'cascade.work', id: cascade!, limit: 2 })
        expect(await step()).toMatchObject({ count: 2, more: true })
        expect(await step()).toMatchObject({ count: 1, more: false })
        expect(await step()).toMatchObject({ applied: false })
        for (const { id } of own) expect(await world.lease(id)).toMatchObject({ dueAt: world.now, cause: 'prefix' })
        expect(await world.lease(other.id)).toEqual(other)
        await openCascade(world, { kind: 'holder', holder, value, mount: 'mount-2' })
        await world.begin(token, held)
        await expect(world.begin(token, { ...held, mount: 'mount-2' })).rejects.toMatchObject({ code: 'invalid_request' })
      }
    )

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

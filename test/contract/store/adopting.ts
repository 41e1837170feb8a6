import { describe, expect, test } from 'vitest'
import type { LeaseId, TargetId } from '../../../src/contracts/index.ts'
import type { Lease } from '../../../src/lease/lease.ts'
import type { LeaseAt } from '../../../src/store/store.ts'
import { bytes, World } from './world.ts'
import type { OpenStore } from './world.ts'

const target = 'target-1' as TargetId

export function adopting(open: OpenStore): void {
  describe('what is found without a lease', () => {
    test('gets one that is active, and due when it says', async () => {
      await using world = await World.open(open)
      const lease = await adopted(world, { expiresAt: world.in({ hours: 1 }), dueAt: world.in({ hours: 1 }) })
      expect(await world.lease(lease.id)).toMatchObject({ state: 'active', activated: true, name: lease.name })
      expect(await world.store.liveLeases(target)).toBe(1)
      expect(await world.claim()).toEqual([])
      world.advance({ hours: 2 })
      expect(await world.claim()).toMatchObject([{ id: lease.id, cause: 'expired' }])
    })

    test('gets none when its name was ever used, whoever asks twice, and in no place that is ending', async () => {
      await using world = await World.open(open)
      const token = await world.token()
      const live = await world.active(token)
      expect((await adopt(world, { name: live.name })).applied).toBe(false)
      const once = await adopted(world)
      expect((await adopt(world, { name: once.name })).applied).toBe(false)
      expect((await adopt(world, { id: once.id, name: 'another' })).applied).toBe(false)
      await world.change({ kind: 'cascade.open', selector: { kind: 'prefix', prefix: 'database/' }, cause: 'prefix', by: 'x' })
      expect((await adopt(world)).applied).toBe(false)
      await world.change({ kind: 'target.retire', target: 'target-2' as TargetId })
      expect((await adopt(world, { target: 'target-2' as TargetId, path: 'other/adopted' })).applied).toBe(false)
      await world.change({ kind: 'cascade.open', selector: { kind: 'mount', mount: 'mount-2' }, cause: 'mount-disabled', by: 'x' })
      expect((await adopt(world, { mount: 'mount-2', path: 'third/adopted' })).applied).toBe(false)
    })

    test('of several who adopt the same at once, one does', async () => {
      await using world = await World.open(open)
      const results = await Promise.all(Array.from({ length: 8 }, () => adopt(world, { name: 'v-found-1' })))
      expect(results.filter(({ applied }) => applied)).toHaveLength(1)
      expect(await world.store.leasesNamed(['v-found-1', 'v-nobody'])).toMatchObject([{ name: 'v-found-1' }])
    })
  })

  describe('a revoked lease whose object is there', () => {
    test('is active again and due at once, as what and where it was found', async () => {
      await using world = await World.open(open)
      const forced = await world.active(await world.token())
      await world.change({ kind: 'lease.force', prefix: forced.id, by: 'somebody', limit: 10 })
      const ended = await world.lease(forced.id)
      expect((await reopen(world, { ...ended, version: ended.version - 1 })).applied).toBe(false)
      expect((await reopen(world, ended, 'target-9' as TargetId)).applied).toBe(true)
      expect((await reopen(world, ended)).applied).toBe(false)
      const again = await world.lease(forced.id)
      expect(again).toMatchObject({ state: 'active', cause: 'reconciled', forcedBy: null, endedAt: null, target: 'target-9' })
      expect(Buffer.from(again.handle).toString()).toBe('found handle')
      expect(await world.store.liveLeases(target)).toBe(0)
      expect(await world.store.liveLeases('target-9' as TargetId)).toBe(1)
      // Nothing was ever issued there.
      expect((await world.store.dueWork(world.now)).targets.map(({ target }) => target.id)).toContain('target-9')
      const [claimed] = await world.claim({ target: 'target-9' as TargetId })
      expect(await world.settle([claimed!], { outcome: 'gone' })).toBe(1)
      expect(await world.lease(forced.id)).toMatchObject({ state: 'revoked', cause: 'reconciled' })
    })

    test('is another mount’s once its own has been dropped, and not before', async () => {
      await using world = await World.open(open)
      const { id, mount } = await world.active(await world.token())
      await world.change({ kind: 'lease.force', prefix: id, by: 'somebody', limit: 10 })
      const ended = await world.lease(id)
      const there = 'target-2' as TargetId
      expect((await reopen(world, ended, there, 'mount-2')).applied).toBe(false)
      await world.change({ kind: 'cascade.open', selector: { kind: 'mount', mount }, cause: 'mount-disabled', by: 'x' })
      expect((await reopen(world, ended, there, 'mount-2')).applied).toBe(false)
      await world.change({ kind: 'space.drop', space: mount, mount })
      expect((await reopen(world, ended, there, mount)).applied).toBe(false)
      expect((await reopen(world, ended, there, 'mount-2')).applied).toBe(true)
      expect(await world.lease(id)).toMatchObject({ state: 'active', mount: 'mount-2', target: there })
      expect([await world.store.liveLeases(target), await world.store.liveLeases(there)]).toEqual([0, 1])
    })

    test('stays revoked where its mount or its target has gone, and a live lease is never touched', async () => {
      await using world = await World.open(open)
      const token = await world.token()
      const live = await world.active(token)
      expect((await reopen(world, live)).applied).toBe(false)
      await world.change({ kind: 'lease.force', prefix: live.id, by: 'somebody', limit: 10 })
      const ended = await world.lease(live.id)
      await world.change({ kind: 'target.retire', target: 'target-2' as TargetId })
      expect((await reopen(world, ended, 'target-2' as TargetId)).applied).toBe(false)
      await world.change({ kind: 'cascade.open', selector: { kind: 'mount', mount: live.mount }, cause: 'mount-disabled', by: 'x' })
      expect((await reopen(world, ended)).applied).toBe(false)
    })
  })

  test('a lease is prolonged to a later end, below its maximum, and only while it is meant to live', async () => {
    await using world = await World.open(open)
    const token = await world.token()
    const lease = await world.active(token)
    const prolong = async ({ id, version }: Lease, hours: number) =>
      (await world.change({ kind: 'lease.prolong', id, version, expiresAt: world.in({ hours }) })).applied
    expect(await prolong(lease, 25)).toBe(false)
    world.advance({ minutes: 90 })
    expect(await prolong(lease, 2)).toBe(true)
    expect(await prolong(lease, 3)).toBe(false)
    expect(await world.claim()).toEqual([])
    const moved = await world.lease(lease.id)
    expect(moved.expiresAt).toEqual(world.in({ hours: 2 }))
    expect(await prolong(moved, 1)).toBe(false)
    await world.due(lease.id)
    expect(await prolong(await world.lease(lease.id), 3)).toBe(false)
  })

  test('active leases of a target are told page by page, each once, and no others', async () => {
    await using world = await World.open(open)
    const token = await world.token()
    const names: string[] = []
    for (let i = 0; i < 7; i++) names.push((await world.active(token, { expiresAt: world.in({ hours: 1 + (i % 2) }) })).name)
    await world.active(token, { target: 'target-2' as TargetId })
    await world.begin(token)
    await world.due((await world.active(token)).id)
    const found: string[] = []
    let page = await world.store.activeLeases(target, undefined, 3)
    while (page.length > 0) {
      found.push(...page.map(({ name }) => name))
      page = await world.store.activeLeases(target, page.at(-1), 3)
    }
    expect(found.toSorted()).toEqual(names.toSorted())
    const walked: string[] = []
    let after: LeaseAt | undefined
    do {
      const { names: some, next } = await world.store.activeNames(target, world.now, after, 3)
      walked.push(...some)
      after = next
    } while (after)
    expect(walked).toEqual(found)
    // What was promised since is not what a look that began before could have found.
    expect(await world.store.activeNames(target, world.now.subtract({ milliseconds: 1 }), undefined, 3)).toEqual({ names: [] })
  })
}

async function adopt(world: World, over: Partial<Lease> = {}) {
  const lease = newAdopted(world, over)
  return { lease, ...(await world.change({ kind: 'lease.adopt', lease, recipe: bytes('sealed recipe') })) }
}

async function adopted(world: World, over: Partial<Lease> = {}): Promise<Lease> {
  const { lease, applied } = await adopt(world, over)
  expect(applied).toBe(true)
  return lease
}

function newAdopted(world: World, over: Partial<Lease>): Lease {
  const nobody = { hash: '', accessor: '', displayName: 'reconcile', entity: '' } as Parameters<World['newLease']>[0]
  return world.newLease(nobody, { path: 'database/adopted', state: 'active', activated: true, outlivesToken: true, ...over })
}

function reopen(world: World, { id, version }: { id: LeaseId; version: number }, at = target, mount = 'mount-1') {
  return world.change({ kind: 'lease.reopen', id, version, mount, target: at, handle: bytes('found handle'), cause: 'reconciled' })
}

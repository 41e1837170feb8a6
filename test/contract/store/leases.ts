import { describe, expect, test } from 'vitest'
import type { LeaseId, TargetId } from '../../../src/contracts/index.ts'
import { World, bytes, hashOf } from './world.ts'
import type { OpenStore } from './world.ts'

const refused = (code: string) => expect.objectContaining({ name: 'LostCondition', code }) as unknown

export function leases(open: OpenStore): void {
  describe('leases', () => {
    test('what was begun and activated is what is read', async () => {
      await using world = await World.open(open)
      const token = await world.token()
      const lease = await world.begin(token)
      expect(await world.lease(lease.id)).toEqual(lease)
      expect(await world.store.recipe(lease.recipe)).toEqual(bytes('sealed recipe'))
      expect(await world.store.target(lease.target)).toMatchObject({
        mount: 'mount-1',
        credential: 'user',
        retired: false,
        failures: 0,
        retryAt: null
      })
      const changes = { handle: bytes('completed'), visible: { username: 'u', host: 'h' }, expiresAt: world.in({ minutes: 30 }) }
      await world.activate(lease, changes)
      expect(await world.lease(lease.id)).toEqual({
        ...lease,
        ...changes,
        state: 'active',
        version: 2,
        activated: true,
        dueAt: changes.expiresAt
      })
    })

    test('nothing begins under a token that is gone, expired or below one that is', async () => {
      await using world = await World.open(open)
      const parent = await world.token({ expiresAt: world.in({ minutes: 1 }) })
      const child = await world.token({ parent: parent.hash })
      const revoked = await world.token()
      await world.change({ kind: 'token.end', hash: revoked.hash, cause: 'token-revoked', by: '' })
      await expect(world.begin(revoked)).rejects.toEqual(refused('permission_denied'))
      await expect(world.begin(child, { token: 'unknown' })).rejects.toEqual(refused('permission_denied'))
      await expect(world.begin(child, { token: '' })).rejects.toEqual(refused('permission_denied'))
      await world.activate(await world.begin(child, { token: '', outlivesToken: true }))
      await world.begin(child)
      world.advance({ minutes: 1 })
      await expect(world.begin(child)).rejects.toEqual(refused('permission_denied'))
      await expect(world.begin(child, { outlivesToken: true })).rejects.toEqual(refused('permission_denied'))
    })

    test('nothing begins at a retired target, and a target with leases is not retired', async () => {
      await using world = await World.open(open)
      const token = await world.token()
      const lease = await world.active(token)
      const retire = (target: string) => world.change({ kind: 'target.retire', target: target as TargetId })
      await expect(retire('target-1')).rejects.toMatchObject({
        code: 'invalid_request',
        message: expect.stringContaining('1 lease') as string
      })
      expect(await world.store.liveLeases(lease.target)).toBe(1)
      await world.due(lease.id)
      await world.settle(await world.claim(), { outcome: 'gone' })
      await retire('target-1')
      await retire('never-used')
      await expect(world.begin(token)).rejects.toEqual(refused('invalid_request'))
      await expect(world.begin(token, { target: 'never-used' as TargetId })).rejects.toEqual(refused('invalid_request'))
    })

    test('a name is used once, history included', async () => {
      await using world = await World.open(open)
      const token = await world.token()
      const lease = await world.active(token)
      await world.due(lease.id)
      await world.settle(await world.claim(), { outcome: 'gone' })
      await expect(world.begin(token, { name: lease.name })).rejects.toEqual(refused('conflict'))
      await expect(world.begin(token, { id: lease.id })).rejects.toEqual(refused('conflict'))
      const twice = [world.newLease(token, { name: 'same' }), world.newLease(token, { name: 'same' })]
      const both = twice.map(lease => ({ kind: 'lease.begin', now: world.now, lease, recipe: bytes('r') }) as const)
      await expect(world.store.commit(both, [])).rejects.toEqual(refused('conflict'))
      expect(await world.store.lease(twice[0]!.id)).toBeUndefined()
    })

    test('a lease becomes active only while it is issuing, not due, at its version', async () => {
      await using world = await World.open(open)
      const token = await world.token()
      const lease = await world.begin(token)
      await expect(world.activate(lease, { version: 9 })).rejects.toEqual(refused('conflict'))
      await world.activate(lease)
      await expect(world.activate(lease)).rejects.toEqual(refused('conflict'))
      await expect(world.activate(lease, { id: 'no/such' as LeaseId })).rejects.toEqual(refused('conflict'))
      const failed = await world.begin(token)
      await world.due(failed.id, 'issue-failed')
      await expect(world.activate(failed)).rejects.toEqual(refused('conflict'))
      await expect(world.activate(failed, { version: 2 })).rejects.toEqual(refused('conflict'))
      const late = await world.begin(token)
      world.advance({ seconds: 30 })
      await expect(world.activate(late)).rejects.toEqual(refused('conflict'))
    })

    test('a lease whose token went while it was issued is not activated', async () => {
      await using world = await World.open(open)
      const parent = await world.token()
      const token = await world.token({ parent: parent.hash })
      const lease = await world.begin(token)
      await world.change({ kind: 'token.end', hash: parent.hash, cause: 'token-revoked', by: '' })
      await expect(world.activate(lease)).rejects.toEqual(refused('permission_denied'))
    })

    test('a renewal moves the end only of an active lease that is not due, at its version, within its maximum', async () => {
      await using world = await World.open(open)
      const token = await world.token()
      const lease = await world.active(token)
      const renew = (expiresAt: Temporal.Instant, version = lease.version) =>
        world.change({ kind: 'lease.renew', id: lease.id, version, expiresAt })
      await expect(renew(world.in({ hours: 2 }), 1)).rejects.toMatchObject({ code: 'invalid_lease', message: 'lease expired' })
      await expect(renew(world.in({ hours: 25 }))).rejects.toEqual(refused('invalid_lease'))
      world.advance({ minutes: 30 })
      const expiresAt = world.in({ hours: 1 })
      await renew(expiresAt)
      expect(await world.lease(lease.id)).toMatchObject({
        expiresAt,
        dueAt: expiresAt,
        lastRenewal: world.now,
        version: 3,
        state: 'active'
      })
      world.advance({ hours: 1 })
      await expect(renew(world.in({ hours: 2 }), 3)).rejects.toEqual(refused('invalid_lease'))
      const issuing = await world.begin(token)
      await expect(world.change({ kind: 'lease.renew', id: issuing.id, version: 1, expiresAt: world.in({ hours: 2 }) })).rejects.toEqual(
        refused('invalid_lease')
      )
    })

    test('a lease made due keeps its first cause, and making it due again changes nothing', async () => {
      await using world = await World.open(open)
      const lease = await world.active(await world.token())
      expect(await world.due(lease.id, 'manual')).toMatchObject({ applied: true })
      expect(await world.due(lease.id, 'prefix')).toMatchObject({ applied: false })
      expect(await world.lease(lease.id)).toMatchObject({ state: 'active', cause: 'manual', dueAt: world.now, expiresAt: lease.expiresAt })
      expect(await world.due('no/such' as LeaseId)).toMatchObject({ applied: false })
      await expect(world.change({ kind: 'lease.renew', id: lease.id, version: 3, expiresAt: world.in({ hours: 2 }) })).rejects.toEqual(
        refused('invalid_lease')
      )
    })

    test('force ends by hand, leaves the proof empty, and is remembered', async () => {
      await using world = await World.open(open)
      const token = await world.token()
      const inside = [await world.active(token), await world.begin(token), await world.active(token)]
      const outside = await world.active(token, { path: 'database/creds/writer' })
      await world.due(inside[2]!.id)
      const [claimed] = await world.claim()
      const force = (limit: number) => world.change({ kind: 'lease.force', prefix: 'database/creds/readonly/', by: 'ops', limit })
      const results = [await force(2), await force(2), await force(2)]
      expect(results.map(({ count, applied }) => [count, applied])).toEqual([
        [2, true],
        [1, true],
        [0, false]
      ])
      expect(results[0]?.leases?.map(({ id }) => id)).toEqual([inside[0]!.id, inside[1]!.id])
      for (const { id } of inside) {
        expect(await world.lease(id)).toMatchObject({ state: 'revoked', forcedBy: 'ops', cause: 'force', revokedAt: null, endedAt: null })
      }
      expect(await world.settle([claimed!], { outcome: 'gone' })).toBe(0)
      expect(await world.lease(outside.id)).toMatchObject({ state: 'active' })
      const gone = await world.active(token)
      await world.due(gone.id)
      await world.settle(await world.claim(), { outcome: 'gone' })
      const names = [inside[0]!.name, outside.name, gone.name, 'stranger']
      expect(await world.store.knownNames(names)).toEqual(new Set([outside.name]))
    })

    test('lists show what is not revoked, by prefix and level by level', async () => {
      await using world = await World.open(open)
      const token = await world.token()
      const paths = ['a/creds/x', 'a/creds/x', 'a/creds/y', 'a/other', 'b/creds/x']
      const made = []
      for (const path of paths) made.push(await world.begin(token, { path }))
      const gone = await world.begin(token, { path: 'a/creds/gone' })
      await world.change({ kind: 'lease.force', prefix: gone.id, by: 'ops', limit: 1 })
      const ids = made.map(({ id }) => id)
      expect(await world.store.leaseIds('a/creds/', '', 10)).toEqual(ids.slice(0, 3))
      expect(await world.store.leaseIds('a/creds/', ids[0]!, 1)).toEqual([ids[1]])
      expect(await world.store.leaseLevel('', '', 10)).toEqual(['a/', 'b/'])
      expect(await world.store.leaseLevel('a/', '', 10)).toEqual(['creds/', 'other/'])
      expect(await world.store.leaseLevel('a/creds/', '', 1)).toEqual(['x/'])
      expect(await world.store.leaseLevel('a/creds/', 'x/', 10)).toEqual(['y/'])
      expect(await world.store.leaseLevel('a/creds/x/', '', 10)).toEqual(ids.slice(0, 2).map(id => id.slice('a/creds/x/'.length)))
      expect(await world.store.liveBelow('a/')).toBe(4)
      expect(await world.store.liveAtMount('mount-1')).toBe(5)
    })

    test('holdings tell who holds what, oldest first, page by page, history on request', async () => {
      await using world = await World.open(open)
      const [alice, bob] = [await world.token({ displayName: 'alice', entity: 'e-a' }), await world.token({ displayName: 'bob' })]
      const first = await world.active(alice)
      const second = await world.active(bob, { role: 'writer', mount: 'mount-2', target: 'target-2' as TargetId })
      const third = await world.active(alice)
      await world.due(first.id)
      await world.settle(await world.claim(), { outcome: 'gone' })
      const ids = async (...parameters: Parameters<typeof world.store.holdings>) =>
        (await world.store.holdings(...parameters)).map(({ id }) => id)
      expect(await ids({}, '', 10)).toEqual([second.id, third.id])
      expect(await ids({ ended: true }, '', 10)).toEqual([first.id, second.id, third.id])
      expect(await ids({ ended: true }, first.id, 1)).toEqual([second.id])
      expect(await ids({ displayName: 'alice' }, '', 10)).toEqual([third.id])
      expect(await ids({ displayName: 'alice', ended: true }, '', 10)).toEqual([first.id, third.id])
      for (const filter of [{ accessor: bob.accessor }, { role: 'writer' }, { mount: 'mount-2' }, { target: 'target-2' }])
        expect(await ids(filter, '', 10)).toEqual([second.id])
      expect(await ids({ entity: 'e-a', role: 'writer' }, '', 10)).toEqual([])
    })

    test('history goes after its time, and with it what only it needed', async () => {
      await using world = await World.open(open)
      const token = await world.token()
      const [old, forced, live] = [
        await world.active(token, { recipe: hashOf('old') }),
        await world.active(token),
        await world.active(token)
      ]
      await world.due(old.id)
      await world.settle(await world.claim(), { outcome: 'gone' })
      await world.change({ kind: 'lease.force', prefix: forced.id, by: 'ops', limit: 1 })
      const ended = await world.token()
      await world.change({ kind: 'token.end', hash: ended.hash, cause: 'token-revoked', by: '' })
      world.advance({ hours: 2 })
      const prune = (before: Temporal.Instant, limit = 10) => world.change({ kind: 'history.prune', before, limit })
      expect(await prune(world.in({ hours: -3 }))).toMatchObject({ applied: false, count: 0 })
      expect([(await prune(world.now, 2)).count, (await prune(world.now, 2)).count]).toEqual([2, 1])
      expect(await world.store.lease(old.id)).toBeUndefined()
      expect(await world.store.lease(forced.id)).toBeUndefined()
      expect(await world.store.token(ended.hash)).toBeUndefined()
      expect(await world.store.recipe(hashOf('old'))).toBeUndefined()
      expect(await world.store.recipe(live.recipe)).toBeDefined()
      expect(await world.lease(live.id)).toEqual(live)
    })
  })
}

import { describe, expect, test } from 'vitest'
import type { LeaseId, TargetId } from '../../../src/contracts/index.ts'
import { World } from './world.ts'
import type { OpenStore } from './world.ts'

export function usage(open: OpenStore): void {
  describe('usage', () => {
    test('uses are counted by name and mount, and touch nothing else of the lease', async () => {
      await using world = await World.open(open)
      const lease = await world.active(await world.token())
      const used = (kind: 'login' | 'logout' | 'offer', from?: string, mount = lease.mount) =>
        world.change({
          kind: 'lease.used',
          mount,
          name: lease.name,
          sighting: { at: world.now, kind, ...(from === undefined ? {} : { from }) }
        })
      const first = world.now.epochMilliseconds
      expect(await used('offer', '192.0.2.1')).toMatchObject({ applied: true })
      expect((await world.lease(lease.id)).usage).toEqual({ firstSeen: null, lastSeen: null, uses: 0, offers: 1, from: [] })
      await used('login', '192.0.2.1')
      world.advance({ minutes: 1 })
      await used('login', '192.0.2.2')
      await used('login', '192.0.2.1')
      world.advance({ minutes: 1 })
      await used('logout')
      expect(await world.lease(lease.id)).toEqual({
        ...lease,
        usage: { firstSeen: first, lastSeen: world.now.epochMilliseconds, uses: 3, offers: 1, from: ['192.0.2.2', '192.0.2.1'] }
      })
      expect(await used('login', undefined, 'mount-2')).toMatchObject({ applied: false })
    })

    test('a use that is told late moves the first, and no more places are kept than there is room for', async () => {
      await using world = await World.open(open)
      const lease = await world.active(await world.token())
      const late = world.now.subtract({ minutes: 5 })
      for (let i = 0; i < 20; i++) {
        const sighting = { at: late, kind: 'login', from: `192.0.2.${i} ${'x'.repeat(200)}` } as const
        await world.change({ kind: 'lease.used', mount: lease.mount, name: lease.name, sighting })
      }
      const { usage } = await world.lease(lease.id)
      expect(usage).toMatchObject({ firstSeen: late.epochMilliseconds, lastSeen: late.epochMilliseconds, uses: 20 })
      expect(usage!.from.map(place => [place.split(' ')[0], place.length])).toEqual(
        Array.from({ length: 16 }, (_, i) => [`192.0.2.${i + 4}`, 100])
      )
    })

    test('what was observed is kept, an ended lease has its too, and a claim goes on', async () => {
      await using world = await World.open(open)
      const lease = await world.active(await world.token())
      await world.due(lease.id)
      const claimed = await world.claim()
      const seen = { lastSeen: world.now, from: ['eu-central-1 s3'] }
      const observed = () =>
        world.change({
          kind: 'lease.observed',
          found: [
            { id: lease.id, usage: seen },
            { id: 'no/such' as LeaseId, usage: seen }
          ]
        })
      expect(await observed()).toMatchObject({ count: 1 })
      expect(await world.settle(claimed, { outcome: 'gone' })).toBe(1)
      await observed()
      expect(await world.lease(lease.id)).toMatchObject({
        state: 'revoked',
        usage: { firstSeen: world.now.epochMilliseconds, lastSeen: world.now.epochMilliseconds, uses: 1, from: ['eu-central-1 s3'] }
      })
    })

    test('whether something is to be revoked at a target is told', async () => {
      await using world = await World.open(open)
      const lease = await world.active(await world.token())
      const isDue = () => world.store.isDue('target-1' as TargetId, world.now)
      expect(await isDue()).toBe(false)
      await world.due(lease.id)
      expect(await isDue()).toBe(true)
      // Claimed, it is somebody's already.
      await world.claim()
      expect(await isDue()).toBe(false)
    })
  })
}

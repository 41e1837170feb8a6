import { describe, expect, test } from 'vitest'
import { chainStart, linkHash, unchain } from '../../../src/audit/chain.ts'
import { World, bytes } from './world.ts'
import type { OpenStore } from './world.ts'

const body = (n: number | string, at = '2026-11-25T12:00:00.000Z') => `{"time":"${at}","n":${JSON.stringify(n)}}`

/** Reads every line, checks each link, gives what `n` said. */
async function verified(world: World): Promise<unknown[]> {
  const lines = await world.store.auditLines(0, 100_000)
  let head = chainStart
  for (const { seq, line } of lines) {
    const parts = unchain(line)!
    expect(parts).toMatchObject({ seq: head.seq + 1, node: world.store.node.id })
    expect(seq).toBe(parts.seq)
    expect(parts.hash).toBe(linkHash(parts.node, head.hash, parts.seq, parts.body))
    head = { seq: parts.seq, hash: parts.hash }
  }
  expect(await world.store.chainHead()).toEqual(head)
  return lines.map(({ line }) => (JSON.parse(line) as { n: unknown }).n)
}

export function auditTrail(open: OpenStore, lasts: boolean): void {
  describe('audit trail', () => {
    test('lines are chained in the order of their commits, whoever comes together', async () => {
      await using world = await World.open(open)
      await Promise.all(Array.from({ length: 300 }, (_, i) => world.store.commit([], [body(i), body(`${i}b`)])))
      expect(await verified(world)).toEqual(Array.from({ length: 300 }, (_, i) => [i, `${i}b`]).flat())
    })

    test("first each change's own lines, only when it changed something, then those of the call", async () => {
      await using world = await World.open(open)
      const token = await world.token()
      const lease = await world.active(token)
      const due = { kind: 'lease.due', now: world.now, id: lease.id, cause: 'manual' } as const
      await world.store.commit(
        [
          { ...due, audit: [body('first due')] },
          { ...due, audit: [body('second due')] },
          { kind: 'cursor.move', now: world.now, sink: 's', seq: 0, audit: [body('cursor')] }
        ],
        [body('call')]
      )
      const [claimed] = await world.claim()
      const settled = { id: lease.id, version: claimed!.version, outcome: 'gone', audit: [body('gone')] } as const
      const stale = { ...settled, version: 1, audit: [body('stale')] } as const
      await world.change({ kind: 'lease.settle', settlements: [stale, settled], audit: [body('settle')] })
      await world.change({ kind: 'lease.settle', settlements: [stale], audit: [body('nothing settled')] })
      expect(await verified(world)).toEqual(['first due', 'cursor', 'call', 'gone', 'settle'])
    })

    test('sinks read from a cursor that never goes back', async () => {
      await using world = await World.open(open)
      await world.store.commit([], [body(1), body(2), body(3)])
      expect((await world.store.auditLines(1, 1)).map(({ seq }) => seq)).toEqual([2])
      expect(await world.store.cursor('file')).toBe(0)
      await world.change({ kind: 'cursor.move', sink: 'file', seq: 2 })
      await world.change({ kind: 'cursor.move', sink: 'file', seq: 1 })
      expect(await world.store.cursor('file')).toBe(2)
      await world.change({ kind: 'cursor.drop', sink: 'file' })
      expect(await world.store.cursor('file')).toBe(0)
    })

    test('a line goes when it is old and every sink has passed it, a bounded number at a time', async () => {
      await using world = await World.open(open)
      const old = '2026-11-01T00:00:00.000Z'
      for (const n of [1, 2, 3, 4, 5]) await world.store.commit([], [body(n, old)])
      await world.store.commit([], [body('young', '2026-11-24T00:00:00.000Z')])
      const prune = async (limit: number) =>
        (await world.change({ kind: 'audit.prune', before: Temporal.Instant.from('2026-11-20T00:00:00Z'), limit })).count
      expect(await prune(10)).toBe(0)
      await world.change({ kind: 'cursor.move', sink: 'slow', seq: 4 })
      await world.change({ kind: 'cursor.move', sink: 'fast', seq: 6 })
      expect([await prune(3), await prune(3), await prune(3)]).toEqual([3, 1, 0])
      expect((await world.change({ kind: 'cursor.keep', sinks: ['slow', 'fast', 'never there'] })).count).toBe(0)
      expect((await world.change({ kind: 'cursor.keep', sinks: ['fast'] })).count).toBe(1)
      expect([await prune(3), await prune(3)]).toEqual([1, 0])
      expect((await world.store.auditLines(0, 10)).map(({ seq }) => seq)).toEqual([6])
      await world.store.commit([], [body('next')])
      expect(await world.store.chainHead()).toMatchObject({ seq: 7 })
    })

    test('time is the latest moment of any commit', async () => {
      await using world = await World.open(open)
      const put = (now: Temporal.Instant) => world.store.commit([{ kind: 'entry.put', now, space: 's', key: 'k', value: bytes('v') }], [])
      await put(world.in({ hours: 1 }))
      await put(world.now)
      expect(await world.store.timeMark()).toEqual(world.in({ hours: 1 }))
    })

    test.runIf(lasts)('chain, time, counts and cursors go on over a restart', async () => {
      await using world = await World.open(open)
      const token = await world.token()
      await world.active(token)
      await world.store.commit([], [body('before')])
      const { id, epoch } = world.store.node
      const mark = await world.store.timeMark()
      await world.restart()
      expect(world.store.node).toEqual({ id, epoch: epoch + 1 })
      await world.store.commit([], [body('after')])
      expect(await verified(world)).toEqual(['before', 'after'])
      expect(await world.store.timeMark()).toEqual(mark)
      expect(await world.store.leaseCounts()).toEqual([{ mount: 'mount-1', state: 'active', count: 1 }])
    })
  })
}

import process from 'node:process'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test, vi } from 'vitest'
import type { TargetId } from '../../src/contracts/index.ts'
import { Database } from '../../src/store/sqlite/database.ts'
import { sealedTables } from '../../src/store/store.ts'
import { openMemory } from '../../src/store/sqlite/open.ts'
import { migrate } from '../../src/store/sqlite/schema.ts'
import { World, bytes } from '../contract/store/world.ts'

describe('a store with very many rows', () => {
  test('no statement that a broker runs walks through all leases, tokens or audit lines', async () => {
    const statements = await statementsOf(aBusyDay)
    expect(statements.size).toBeGreaterThan(60)
    const db = new Database(new DatabaseSync(':memory:'))
    migrate(db, 'memory')
    const walks = [...statements].flatMap(sql =>
      plan(db, sql)
        .filter(step => walksThroughAll(step, sql))
        .map(step => [step, sql])
    )
    expect(walks).toEqual([])
  })

  test('a sweeper finds its work among a thousand targets at once', async () => {
    const store = await openMemory()
    await using world = new World({ store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() })
    const token = await world.token()
    for (let n = 0; n < 1_000; n++) await world.begin(token, { target: `target-${n}` as TargetId })
    world.advance({ minutes: 1 })
    const before = process.threadCpuUsage()
    for (let look = 0; look < 10; look++) expect((await world.store.dueWork(world.now)).targets).toHaveLength(1_000)
    const { user, system } = process.threadCpuUsage(before)
    // Of this thread's own time, whatever else runs: some 2 ms for the probes, and as much again for the answer. Ten times that is a scan.
    expect((user + system) / 1_000 / 10).toBeLessThan(50)
  })
})

// These indexes hold only what is wrong or on its way; a batch of the oldest audit lines is the front of the table, and no more.
const small = /INDEX lease_(issuing|stuck|claim)$/
const front = /from audit order by first_seq limit \?\d/

function walksThroughAll(step: string, sql: string): boolean {
  return /^SCAN (lease|token|audit|t|child)\b/.test(step) && !small.test(step) && !(step === 'SCAN audit' && front.test(sql))
}

function plan(db: Database, sql: string): string[] {
  if (/^(begin|commit|rollback|savepoint|release)/.test(sql)) return []
  return (db.connection.prepare(`explain query plan ${sql}`).all() as { detail: string }[]).map(({ detail }) => detail)
}

/** Every statement that a store prepares for this work. */
async function statementsOf(work: (world: World) => Promise<void>): Promise<Set<string>> {
  const prepare = vi.spyOn(DatabaseSync.prototype, 'prepare')
  try {
    const store = await openMemory()
    prepare.mockClear()
    await using world = new World({ store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() })
    await work(world)
    return new Set(prepare.mock.calls.map(([sql]) => sql))
  } finally {
    prepare.mockRestore()
  }
}

async function aBusyDay(world: World): Promise<void> {
  const target = 'target-1' as TargetId
  const root = await world.token()
  const token = await world.token({ parent: root.hash, uses: 2 })
  await world.change({ kind: 'token.use', hash: token.hash })
  await world.change({ kind: 'token.renew', hash: token.hash, expiresAt: world.in({ hours: 5 }) })
  const lease = await world.active(token)
  await world.change({ kind: 'lease.renew', id: lease.id, version: lease.version, expiresAt: world.in({ hours: 2 }) })
  await world.due(lease.id)
  const claimed = await world.claim()
  await world.change({ kind: 'target.failed', target, retryAt: world.now, error: 'down', leases: claimed })
  await world.change({ kind: 'target.recovered', target })
  for (const outcome of ['failed', 'ended', 'outlives', 'early', 'gone'] as const) {
    await world.settle(await world.claim(), { outcome, again: world.now, until: world.now, error: 'e', waiting: 'w', why: 'w' })
  }
  await world.change({ kind: 'lease.takeOver' })
  for (const selector of [
    { kind: 'prefix', prefix: 'a/' },
    { kind: 'mount', mount: 'm' },
    { kind: 'token', hash: root.hash }
  ] as const) {
    await world.change({ kind: 'cascade.open', selector, cause: 'manual', by: '' })
  }
  await world.cascade()
  await world.active(root)
  await world.change({ kind: 'token.end', hash: root.hash, cause: 'manual', by: '', orphan: true })
  await world.cascade()
  await world.change({ kind: 'tokens.expire', limit: 10 })
  await world.change({ kind: 'lease.force', prefix: 'database/', by: '', limit: 10 })
  await world.change({ kind: 'task.schedule', mount: 'm2', task: 't', key: 'k', dueAt: world.now, intent: bytes('i') })
  await world.store.commit([], ['{"n":1}'])
  await world.change({ kind: 'cursor.move', sink: 's', seq: 1 })
  await world.change({ kind: 'audit.prune', before: world.in({ hours: 1 }), limit: 10 })
  await world.change({ kind: 'history.prune', before: world.in({ hours: 1 }), limit: 10 })
  await world.change({ kind: 'reseal.begin', below: 2 })
  const row = { keys: ['a', 'b', 'c'], old: bytes('o'), sealed: bytes('s') }
  for (const table of sealedTables) await world.change({ kind: 'reseal.rows', below: 2, table, cursor: '', unreadable: 0, rows: [row] })
  await world.change({ kind: 'reseal.end', below: 2 })
  await everyRead(world)
}

async function everyRead({ store, now }: World): Promise<void> {
  const target = 'target-1' as TargetId
  await store.authenticate('h', now)
  await store.token('h')
  await store.tokenByAccessor('a')
  await store.accessors('', 10)
  await store.leaseIds('database/', '', 10)
  await store.leaseLevel('database/', '', 10)
  await store.holdings({ mount: 'm' }, '', 10)
  await store.holdings({ displayName: 'd', ended: true }, '', 10)
  await store.stuck(now, 10)
  await store.leaseCounts()
  await store.liveLeases(target)
  await store.liveBelow('database/')
  await store.liveAtMount('m')
  await store.knownNames(['n'])
  await store.dueWork(now)
  await store.targetLoads(now, 10)
  for (const table of sealedTables) await store.sealedPage(table, '', 2, 10)
  await store.auditLines(0, 10)
  await store.chainHead()
}

/** Rows of the trail wait for every sink, and for none that is no longer named. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { AuditSink } from '../../src/contracts/index.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { TestClock } from '../sim/test-clock.ts'
import { smallBroker } from './small-broker.ts'

const sink = (name: string): AuditSink => ({ name, write: async () => undefined, [Symbol.asyncDispose]: async () => undefined })

test('a sink that the configuration names no more keeps nobody from pruning the trail', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-sinks-'))
  await using _ = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
  const clock = new TestClock()
  const open = async (name: string, root?: string) =>
    smallBroker({
      clock,
      store: await openSqlite({ path: join(folder, 'store'), reserveBytes: 65_536 }),
      sinks: async () => [sink(name)],
      ...(root === undefined ? {} : { root })
    })
  const { root, [Symbol.asyncDispose]: end } = await open('file:/old')
  await end()
  const second = await open('file:/new', root)
  await second.ask('read', 'sys/mounts')
  const lastOld = (await second.store.chainHead()).seq
  await second[Symbol.asyncDispose]()
  await clock.advance('P31D')
  await using third = await open('file:/new', root)
  await clock.advance('PT3M')
  await expect.poll(async () => (await third.store.auditLines(0, 1))[0]?.seq ?? lastOld + 1).toBeGreaterThan(lastOld)
  expect(await third.store.cursor('file:/old')).toBe(0)
  expect(await third.store.cursor('file:/new')).toBeGreaterThanOrEqual(lastOld)
})

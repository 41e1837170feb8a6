import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { refresh } from '../../src/broker/door/authenticate.ts'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { smallBroker } from './small-broker.ts'

test('many requests that come upon a change read it once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-reading-'))
  await using _ = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
  await using broker = await smallBroker({ store: await openSqlite({ path: join(folder, 'store'), reserveBytes: 65_536 }) })
  await broker.ask('write', 'sys/policies/acl/app', { policy: 'path "a" { capabilities = ["read"] }' })
  const parts = broker.life.parts()!
  const read = { policies: 0, mounts: 0 }
  for (const name of ['policies', 'mounts'] as const) {
    const load = parts[name].load.bind(parts[name])
    Object.assign(parts[name], { load: () => (read[name]++, load()) })
  }
  // By another node, say: nobody here has read it.
  const { generation } = await parts.store.entries('policy')
  const now = parts.clock.now()
  await parts.store.commit([{ kind: 'entry.remove', now, space: 'policy', key: 'app' }], [])
  await Promise.all(Array.from({ length: 100 }, () => broker.ask('read', 'auth/token/lookup-self')))
  expect(read.policies).toBeLessThanOrEqual(2)
  expect(read.mounts).toBeLessThanOrEqual(2)
  expect(parts.policies.generation).toBeGreaterThan(generation)
  expect(parts.policies.has('app')).toBe(false)
})

test('whoever joins a reading that began before the change reads again', async () => {
  await using broker = await smallBroker()
  const parts = broker.life.parts()!
  let reads = 0
  const load = async () => void (await Promise.resolve(), (parts.policies.generation = 100 + reads++))
  Object.assign(parts.policies, { load })
  await Promise.all([refresh(parts, 100), refresh(parts, 101)])
  expect([reads, parts.policies.generation]).toEqual([2, 101])
})

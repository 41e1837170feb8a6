/** Giving up on a target with many leases. */
import { expect, test } from 'vitest'
import type { Change } from '../../src/store/change.ts'
import { openMemory } from '../../src/store/sqlite/open.ts'
import type { Store } from '../../src/store/store.ts'
import { lease, smallBroker, withUsers } from './small-broker.ts'

/** A store that tells of the commits that force. */
async function watchedStore(seen: (forcing: readonly Change[]) => void): Promise<Store> {
  const store = await openMemory()
  const commit = store.commit.bind(store)
  return Object.assign(store, {
    commit: (changes: readonly Change[], audit: readonly string[]) => {
      const forcing = changes.filter(({ kind }) => kind === 'lease.force')
      if (forcing.length > 0) seen(forcing)
      return commit(changes, audit)
    }
  })
}

const audited = async ({ store }: { readonly store: Store }) =>
  (await store.auditLines(0, 10_000)).flatMap(({ line }) => {
    const { revocation, lease_id } = JSON.parse(line) as { revocation?: { outcome?: string }; lease_id?: string }
    return revocation?.outcome === 'forced' ? [lease_id] : []
  })

test('many leases are given up in few commits, each with its own entry in the trail', async () => {
  const commits: number[] = []
  await using broker = await smallBroker({ store: await watchedStore(({ length }) => void commits.push(length)) })
  await withUsers(broker)
  const made: string[] = []
  for (let round = 0; round < 5; round++)
    made.push(...(await Promise.all(Array.from({ length: 50 }, () => lease(broker)))).map(one => one.lease))
  await broker.ask('write', 'sys/leases/revoke-force/users')
  expect(commits).toEqual([100, 100, 50])
  expect(new Set(await audited(broker))).toEqual(new Set(made))
  expect(await audited(broker)).toHaveLength(made.length)
  expect((await broker.store.leaseCounts()).filter(({ state }) => state !== 'revoked')).toEqual([])
})

test('what is issued after the word was not meant, and keeps nobody waiting', async () => {
  let more: Promise<{ readonly lease: string }> | undefined
  let forced = 0
  const store = await watchedStore(({ length }) => {
    forced += length
    // As fast as they go, another comes.
    more ??= broker.clock.advance(1_000).then(() => lease(broker))
  })
  await using broker = await smallBroker({ store })
  await withUsers(broker)
  for (let round = 0; round < 2; round++) await Promise.all(Array.from({ length: 50 }, () => lease(broker)))
  await broker.ask('write', 'sys/leases/revoke-force/users')
  const later = await more
  expect(forced).toBe(100)
  expect(await broker.store.lease(later!.lease as never)).toMatchObject({ state: 'active' })
})

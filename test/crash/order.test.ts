/** What the order of promise and effect buys. The same steps on the same real parts, the store and the target of `plugins/memory`, in two orders; the process "dies" at every
 *  moment between them, the time passes, and whoever comes after does what a sweeper can do: it ends what the store knows. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addUser, removeUsers, usersOf } from '../../plugins/memory/target.ts'
import { openMemory } from '../../src/store/sqlite/open.ts'
import type { Store } from '../../src/store/store.ts'

const space = 'mount:order'
const now = Temporal.Instant.from('2026-11-25T12:00:00Z')
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-order-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

class Death extends Error {}

/** Each call is a moment at which the process may die; the `fatal`-th is the one. */
type Moment = () => void

interface World {
  readonly store: Store
  readonly target: string
  readonly moment: Moment
}

const record = (store: Store, state: string) =>
  store.commit([{ kind: 'entry.put', now, space, key: 'lease', value: Buffer.from(JSON.stringify({ name: 'v-app-1', state })) }], [])

const create = (target: string) => addUser(target, { name: 'v-app-1', mark: 'ours', until: now.add({ hours: 1 }) }, 'a password')

async function promiseFirst({ store, target, moment }: World): Promise<void> {
  moment()
  await record(store, 'issuing')
  moment()
  moment() // connecting
  create(target)
  moment()
  await record(store, 'active')
  moment()
}

async function effectFirst({ store, target, moment }: World): Promise<void> {
  moment()
  moment() // connecting
  create(target)
  moment()
  moment() // the reply is read
  await record(store, 'active')
  moment()
}

/** Ends what the store knows; that is all that can be known after a death. */
async function sweep({ store, target }: World): Promise<void> {
  const row = await store.entry(space, 'lease')
  if (row) removeUsers(target, [{ name: JSON.parse(Buffer.from(row.value).toString()).name, mark: 'ours' }])
}

/** At how many of the five moments a death leaves a user that nobody will ever revoke. */
async function orphans(order: (world: World) => Promise<void>): Promise<number> {
  let left = 0
  for (let fatal = 1; fatal <= 5; fatal++) {
    await using store = await openMemory()
    let passed = 0
    const moment = () => {
      if (++passed === fatal) throw new Death()
    }
    const world = { store, target: join(folder, `${order.name}-${fatal}.db`), moment }
    await expect(order(world)).rejects.toBeInstanceOf(Death)
    await sweep(world)
    left += usersOf(world.target).length
  }
  return left
}

test('record after effect leaves a credential that nobody will revoke at two of five moments', async () => {
  expect(await orphans(effectFirst)).toBe(2)
})

test('promise, effect, activation leaves none at any moment', async () => {
  expect(await orphans(promiseFirst)).toBe(0)
})

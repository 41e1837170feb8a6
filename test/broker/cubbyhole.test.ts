import { expect, test } from 'vitest'
import { cubbyholeSpace } from '../../src/store/token.ts'
import { tokenHash } from '../../src/broker/door/authenticate.ts'
import { dataOf, smallBroker } from './small-broker.ts'
import type { SmallBroker } from './small-broker.ts'

const child = async (broker: SmallBroker, more = {}) =>
  (await broker.ask('write', 'auth/token/create', { ttl: '1h', ...more })).auth!.reveal().client_token

const kept = (broker: SmallBroker, token: string) =>
  broker.store.keys(cubbyholeSpace(tokenHash(broker.life.parts()!, token)), '', '', 10_000)

const fill = (broker: SmallBroker, token: string) =>
  Promise.all(Array.from({ length: 250 }, (_, i) => broker.ask('write', `cubbyhole/${i}`, { v: i }, token)))

/** More than a step of a cascade takes away. */
async function overfill(broker: SmallBroker, token: string): Promise<void> {
  const space = cubbyholeSpace(tokenHash(broker.life.parts()!, token))
  const value = new Uint8Array(8)
  const rows = Array.from({ length: 1_100 }, (_, i) => ({ kind: 'entry.put', now: broker.clock.now(), space, key: `${i}`, value }) as const)
  await broker.store.commit(rows, [])
}

test('a token reads, lists and deletes what it keeps, and nobody else does, root included', async () => {
  await using broker = await smallBroker()
  const token = await child(broker)
  const keep = (path: string, data: {}) => broker.ask('write', `cubbyhole/${path}`, data, token)
  expect((await keep('a/b', { v: 'x', n: 3 })).status).toBe(204)
  await keep('a/c/d', { v: 'y' })
  await keep('z', { v: 'z' })
  expect(dataOf(await broker.ask('read', 'cubbyhole/a/b', {}, token))).toEqual({ v: 'x', n: 3 })
  expect(dataOf(await broker.ask('list', 'cubbyhole', {}, token))).toEqual({ keys: ['a/', 'z'] })
  expect(dataOf(await broker.ask('list', 'cubbyhole/a', {}, token))).toEqual({ keys: ['b', 'c/'] })
  for (const other of [broker.root, await child(broker)]) {
    await expect(broker.ask('read', 'cubbyhole/a/b', {}, other)).rejects.toMatchObject({ code: 'nothing_there' })
    await expect(broker.ask('list', 'cubbyhole', {}, other)).rejects.toMatchObject({ code: 'nothing_there' })
  }
  for (let i = 0; i < 2; i++) expect((await broker.ask('delete', 'cubbyhole/z', {}, token)).status).toBe(204)
  await expect(broker.ask('read', 'cubbyhole/z', {}, token)).rejects.toMatchObject({ code: 'nothing_there' })
})

test.each([
  ['revoked', (broker: SmallBroker, token: string) => broker.ask('write', 'auth/token/revoke', { token })],
  ['expired', (broker: SmallBroker) => broker.clock.advance('PT61M')],
  ['left by its children', (broker: SmallBroker, token: string) => broker.ask('write', 'auth/token/revoke-orphan', { token })]
])('what a token keeps is gone once it is %s', async (_, end) => {
  await using broker = await smallBroker()
  const token = await child(broker, { policies: ['root'] })
  const below = (await broker.ask('write', 'auth/token/create', { ttl: '9h', policies: ['root'] }, token)).auth!.reveal().client_token
  await overfill(broker, token)
  await broker.ask('write', 'cubbyhole/x', { v: 'x' }, below)
  await broker.ask('write', 'cubbyhole/x', { v: 'x' })
  await end(broker, token)
  await broker.clock.advance('PT5S')
  expect(await kept(broker, token)).toEqual([])
  expect(await kept(broker, broker.root)).toEqual(['x'])
  const orphaned = (await broker.ask('write', 'auth/token/lookup', { token: below }).catch(() => undefined)) !== undefined
  expect(await kept(broker, below)).toEqual(orphaned ? ['x'] : [])
})

test('nothing is kept behind the end of its token', async () => {
  await using broker = await smallBroker()
  const token = await child(broker, { num_uses: 1, policies: ['root'] })
  await expect(broker.ask('write', 'cubbyhole/x', { v: 'x' }, token)).rejects.toMatchObject({ code: 'permission_denied' })
  expect(await kept(broker, token)).toEqual([])
})

test.each([
  ['missing data fields', 'x', {}],
  ['missing path', '', { v: 'x' }],
  ['a cubbyhole keeps at most 16384 bytes at a path', 'x', { v: 'x'.repeat(16_384) }],
  ['path: at most 512 characters below cubbyhole/', 'x'.repeat(513), { v: 'x' }]
])('%s', async (message, path, data) => {
  await using broker = await smallBroker()
  await expect(broker.ask('write', path === '' ? 'cubbyhole' : `cubbyhole/${path}`, data)).rejects.toMatchObject({
    code: 'invalid_request',
    message
  })
})

test('a cubbyhole has an end', async () => {
  await using broker = await smallBroker()
  await fill(broker, broker.root)
  await broker.ask('write', 'cubbyhole/7', { v: 'again' })
  await expect(broker.ask('write', 'cubbyhole/more', { v: 1 })).rejects.toMatchObject({ message: 'a cubbyhole keeps at most 250 paths' })
})

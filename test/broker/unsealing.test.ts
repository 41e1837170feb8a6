import { expect, test } from 'vitest'
import { usersOf } from '../../plugins/memory/target.ts'
import { openMemory } from '../../src/store/sqlite/open.ts'
import { failingStore } from './failing-store.ts'
import { dataOf, lease, smallBroker, withUsers } from './small-broker.ts'
import type { SmallBroker } from './small-broker.ts'

/** A row that somebody swapped or cut, or whose key is lost. */
async function spoil(broker: SmallBroker, space: string, key: string): Promise<void> {
  await broker.store.commit([{ kind: 'entry.put', now: broker.clock.now(), space, key, value: new Uint8Array(64) }], [])
}

test('the row of one mount that does not open keeps no lease of another from its end, nor the broker from being unsealed', async () => {
  await using broker = await smallBroker({ seal: 'shamir' })
  await withUsers(broker)
  await withUsers(broker, { default_ttl: '1h' }, 'spoilt')
  await lease(broker)
  const waits = await lease(broker, undefined, 'spoilt')
  await spoil(broker, 'mount', 'spoilt/')
  await broker.life.seal()
  await broker.unseal()
  await broker.clock.advance('PT1H10S')
  expect(usersOf(broker.target)).toEqual([])
  const { holdings } = dataOf(await broker.ask('read', 'sys/holdings', { id: waits.lease }))
  expect(holdings).toMatchObject([{ id: waits.lease, state: 'revoking' }])
})

test('a policy that does not open lets its tokens do nothing, and revoking goes on', async () => {
  await using broker = await smallBroker({ seal: 'shamir' })
  await withUsers(broker)
  await broker.ask('write', 'sys/policies/acl/app', { policy: 'path "users/*" { capabilities = ["read"] }' })
  await broker.ask('write', 'sys/policies/acl/not', { policy: 'path "users/creds/app" { capabilities = ["deny"] }' })
  const made = await broker.ask('write', 'auth/token/create', { policies: ['app', 'not'] })
  const token = made.auth!.reveal().client_token
  const other = await broker.ask('write', 'auth/token/create', { policies: ['app'] })
  await lease(broker)
  await spoil(broker, 'policy', 'not')
  await broker.life.seal()
  await broker.unseal()
  await expect(lease(broker, token)).rejects.toMatchObject({ code: 'permission_denied' })
  await expect(lease(broker, other.auth!.reveal().client_token)).resolves.toBeTruthy()
  await broker.clock.advance('PT1H10S')
  expect(usersOf(broker.target)).toEqual([])
})

test('an operator who seals a broker that opens by itself is not undone by whoever asks', async () => {
  await using broker = await smallBroker()
  await broker.life.seal()
  const from = { requestId: 'test', remoteAddress: '192.0.2.7', remotePort: 1 }
  await expect(broker.life.unseal({}, from)).rejects.toMatchObject({ code: 'invalid_request' })
  expect(broker.life.sealed()).toBe(true)
})

test('who initialises a broker whose audit cannot be written gets the root token all the same', async () => {
  let writable = false
  const sinks = () => (writable ? Promise.resolve([]) : Promise.reject(new Error('no such folder')))
  await using broker = await smallBroker({ sinks })
  expect(broker.root).toMatch(/^s\./)
  expect(broker.life.sealed()).toBe(true)
  writable = true
  await broker.life.unseal({}, { requestId: 'test', remoteAddress: '192.0.2.7', remotePort: 1 })
  await expect(broker.ask('read', 'auth/token/lookup-self')).resolves.toMatchObject({ status: 200 })
})

test('shares that a stranger hands in fill no disk: above a rate they are counted, and the operator’s own still opens', async () => {
  await using broker = await smallBroker({ seal: 'shamir' })
  await broker.life.seal()
  const wrong = Array.from({ length: 100 }, (_, i) => `${'ab'.repeat(31)}${(i + 16).toString(16)}07`)
  for (const key of [...wrong, 'no share'])
    await expect(broker.life.unseal({ key }, { requestId: 'test', remoteAddress: '192.0.2.7', remotePort: 1 })).rejects.toThrow('valid')
  await broker.unseal()
  const lines = (await broker.store.auditLines(0, 1_000)).map(({ line }) => line)
  expect(lines.filter(line => line.includes('"192.0.2.7"'))).toHaveLength(20)
  expect(lines.filter(line => line.includes('"refusals":{"count":81,'))).toHaveLength(1)
})

test('a broker on a full disk is unsealed all the same, and ends what is due', async () => {
  let full = false
  const store = failingStore(await openMemory(), changes => full && changes.length === 0)
  await using broker = await smallBroker({ seal: 'shamir', store })
  await withUsers(broker)
  await lease(broker)
  await broker.life.seal()
  full = true
  await broker.unseal()
  expect(broker.life.sealed()).toBe(false)
  await broker.clock.advance('PT1H10S')
  expect(usersOf(broker.target)).toEqual([])
  full = false
})

/** What anybody may read of an SSH mount fills nobody's trail: it is counted. */
import { expect, test, vi } from 'vitest'
import { sshBroker } from './mount.ts'
import { failingStore } from '../../broker/failing-store.ts'
import { openMemory } from '../../../src/store/sqlite/open.ts'
import type { SmallBroker, SmallBrokerOptions } from '../../broker/small-broker.ts'

const open = [
  'krl',
  'krl.sig',
  'krl/signer',
  'public_key',
  'issuer/default/public_key',
  'trusted_user_keys',
  'host-script',
  'host-script/principals',
  'hosts/web1/nonce'
]

const entries = async (broker: SmallBroker): Promise<readonly string[]> =>
  (await broker.store.auditLines(0, 10_000)).map(({ line }) => line)

/** With its first list, which is made a moment after the CA. */
async function listed(options: SmallBrokerOptions = {}): Promise<SmallBroker> {
  const broker = await sshBroker(options)
  await broker.clock.advance('PT2S')
  await vi.waitFor(() => broker.ask('read', 'ssh/krl', {}, ''))
  await broker.clock.advance('PT2S')
  return broker
}

test('a flood of readings without a token is one entry a second, and one with a token is told', async () => {
  await using broker = await listed()
  const before = (await entries(broker)).length
  for (let i = 0; i < 20; i++) for (const path of open) expect((await broker.ask('read', `ssh/${path}`, {}, '')).raw).toBeDefined()
  await broker.clock.advance('PT2S')
  const told = (await entries(broker)).slice(before)
  expect(told.filter(line => line.includes('"readings":{"count":180'))).toHaveLength(1)
  expect(told.filter(line => line.includes('ssh/krl'))).toEqual([])

  await broker.ask('read', 'ssh/krl')
  expect((await entries(broker)).slice(before).filter(line => line.includes('"path":"ssh/krl"'))).toHaveLength(2)
})

test('what is asked in vain without a token is still told', async () => {
  await using broker = await listed()
  await expect(broker.ask('read', 'ssh/issuer/nobody/public_key', {}, '')).rejects.toMatchObject({ code: expect.any(String) })
  expect((await entries(broker)).filter(line => line.includes('"path":"ssh/issuer/nobody/public_key"'))).toHaveLength(2)
})

test('a store that takes no entry any more still lets hosts pull the list', async () => {
  let full = false
  const store = failingStore(await openMemory(), () => full)
  await using broker = await listed({ store })
  full = true
  const pulled = await broker.ask('read', 'ssh/krl', {}, '').catch((error: unknown) => error)
  full = false
  expect(pulled).toMatchObject({ raw: { type: 'application/octet-stream' } })
})

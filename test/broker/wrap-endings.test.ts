/** What nobody opens is nobody's: it ends with its wrapping token, whatever ends that, and nothing else does. */
import { expect, test } from 'vitest'
import { usersOf } from '../../plugins/memory/target.ts'
import { child, infoOf, notValid, refusal, unwrap, wrapped } from './wrapping.ts'
import { dataOf, lease, smallBroker, withUsers } from './small-broker.ts'
import type { SmallBroker } from './small-broker.ts'

const knows = (broker: SmallBroker, accessor: string | undefined) =>
  broker.ask('write', 'auth/token/lookup-accessor', { accessor: accessor! }).then(
    () => true,
    () => false
  )

test('a credential that nobody opens in time is revoked, and the trail says why', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const { token } = await wrapped(broker, 'users/creds/app', 60)
  await broker.clock.advance('PT59S')
  expect(usersOf(broker.target)).toHaveLength(1)
  await broker.clock.advance('PT6S')
  expect(usersOf(broker.target)).toEqual([])
  expect(await refusal(unwrap(broker, token))).toMatchObject(notValid)
  const ended = dataOf(await broker.ask('read', 'sys/holdings', { ended: true })) as { holdings: { cause: string }[] }
  expect(ended.holdings.map(({ cause }) => cause)).toEqual(['not-unwrapped'])
  const lines = await broker.store.auditLines(0, 1_000)
  expect(lines.filter(({ line }) => line.includes('"cause":"not-unwrapped"'))).toHaveLength(1)
})

test('a token that nobody opens in time ends, with all that would have hung on it', async () => {
  await using broker = await smallBroker()
  const create = async (seconds: number) => infoOf(await broker.ask('write', 'auth/token/create', { ttl: '1h' }, broker.root, seconds))
  const [left, taken] = [await create(60), await create(60)]
  await unwrap(broker, taken.token)
  await broker.clock.advance('PT65S')
  expect([await knows(broker, left.wrapped_accessor), await knows(broker, taken.wrapped_accessor)]).toEqual([false, true])
})

test.each([
  ['is spent on something else', (broker: SmallBroker, token: string) => refusal(broker.ask('read', 'users/creds/app', {}, token))],
  ['is revoked', (broker: SmallBroker, token: string) => broker.ask('write', 'auth/token/revoke', { token })],
  [
    'is revoked by its accessor',
    (broker: SmallBroker, _: string, accessor: string) => broker.ask('write', 'auth/token/revoke-accessor', { accessor })
  ]
])('what a wrapping token holds ends at once when it %s', async (_, end) => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const { token, accessor } = await wrapped(broker, 'users/creds/app', 3_600)
  const inner = infoOf(await broker.ask('write', 'auth/token/create', { ttl: '1h' }, broker.root, 3_600))
  const outcome = await end(broker, token, accessor)
  if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'permission_denied' })
  await end(broker, inner.token, inner.accessor)
  expect(await knows(broker, inner.wrapped_accessor)).toBe(false)
  await broker.clock.advance('PT2S')
  expect(usersOf(broker.target)).toEqual([])
  expect(await refusal(unwrap(broker, token))).toMatchObject(notValid)
})

test('a credential ends with the token that asked for it, wrapped or not', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const asker = await child(broker, { policies: ['root'] })
  const { token } = await wrapped(broker, 'users/creds/app', 3_600, asker)
  await broker.ask('write', 'auth/token/revoke', { token: asker })
  await broker.clock.advance('PT2S')
  expect(usersOf(broker.target)).toEqual([])
  // The wrapping token is nobody's child: whoever opens it finds what has ended.
  expect((await unwrap(broker, token)).lease).toBeDefined()
})

test('a renewal that nobody opens ends nothing: its caller has had it before', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const held = await lease(broker)
  const own = await child(broker)
  await broker.ask('write', 'sys/leases/renew', { lease_id: held.lease }, broker.root, 60)
  await broker.ask('write', 'auth/token/renew-self', {}, own, 60)
  await broker.ask('read', 'auth/token/lookup-self', {}, own, 60)
  await broker.clock.advance('PT70S')
  expect(usersOf(broker.target)).toHaveLength(1)
  expect((await broker.ask('read', 'auth/token/lookup-self', {}, own)).status).toBe(200)
})

test('a refused or failed request leaves nothing wrapped', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const before = (await broker.store.accessors('', 100)).length
  expect(await refusal(broker.ask('read', 'users/creds/nobody', {}, broker.root, 60))).toMatchObject({ code: 'unknown_role' })
  expect(await refusal(broker.ask('write', 'auth/token/create', { num_uses: -1 }, broker.root, 60))).toMatchObject({
    code: 'invalid_request'
  })
  expect(await broker.store.accessors('', 100)).toHaveLength(before)
})

import { expect, test } from 'vitest'
import { login, usersOf } from '../../plugins/memory/target.ts'
import { child, infoOf, notValid, openedBy, refusal, unwrap, wrapped } from './wrapping.ts'
import { dataOf, smallBroker, withUsers } from './small-broker.ts'

test('a credential waits wrapped, is opened once, and lives on under its own lease', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const reply = await broker.ask('read', 'users/creds/app', {}, broker.root, 60)
  expect(reply.data ?? reply.lease ?? reply.auth).toBeUndefined()
  const info = infoOf(reply)
  expect(info).toMatchObject({ ttl: 60, creation_path: 'users/creds/app', creation_time: broker.clock.now().toString() })
  await broker.clock.advance('PT30S')
  const opened = await unwrap(broker, info.token)
  const { username, password } = dataOf(opened) as { username: string; password: string }
  expect(opened.lease).toMatchObject({ renewable: true, seconds: 3_570 })
  await broker.clock.advance('PT10M')
  expect(login(broker.target, username, password, broker.clock.now())).toBeTruthy()
  await broker.ask('write', 'sys/leases/renew', { lease_id: opened.lease!.id })
  expect(await refusal(unwrap(broker, info.token))).toMatchObject(notValid)
  await broker.ask('write', 'sys/leases/revoke', { lease_id: opened.lease!.id })
  expect(usersOf(broker.target)).toEqual([])
})

test('a token waits wrapped, and is known by its accessor before', async () => {
  await using broker = await smallBroker()
  const info = infoOf(await broker.ask('write', 'auth/token/create', { ttl: '1h' }, broker.root, 60))
  expect((await broker.ask('write', 'auth/token/lookup-accessor', { accessor: info.wrapped_accessor! })).status).toBe(200)
  await broker.clock.advance('PT20S')
  const { client_token, accessor, lease_duration } = (await unwrap(broker, info.token)).auth!.reveal()
  expect({ accessor, lease_duration }).toEqual({ accessor: info.wrapped_accessor, lease_duration: 3_580 })
  expect(dataOf(await broker.ask('read', 'auth/token/lookup-self', {}, client_token))).toMatchObject({ ttl: 3_580 })
})

test('any reply with a body is wrapped; one without, and a refusal, come as they are', async () => {
  await using broker = await smallBroker()
  await broker.ask('write', 'cubbyhole/a/b', { v: 1 })
  const path = async (operation: 'read' | 'list' | 'write', of: string, data = {}) =>
    (await broker.ask(operation, of, data, broker.root, 60)).wrapInfo?.reveal().creation_path
  expect(await path('read', 'cubbyhole/a/b')).toBe('cubbyhole/a/b')
  // The real path of the request, which is what receivers compare.
  expect(await path('list', 'cubbyhole/a')).toBe('cubbyhole/a/')
  expect(await path('write', 'sys/wrapping/wrap', { token: 'mine' })).toBe('sys/wrapping/wrap')
  expect(await path('write', 'cubbyhole/c', { v: 1 })).toBeUndefined()
  expect(await refusal(broker.ask('read', 'cubbyhole/nothing', {}, broker.root, 60))).toMatchObject({ code: 'nothing_there' })
  expect(await refusal(broker.ask('write', 'sys/wrapping/wrap', { a: 1 }))).toMatchObject({
    code: 'invalid_request',
    message: 'endpoint requires response wrapping to be used'
  })
})

test('what is sent to be wrapped comes back as it was, whatever its names', async () => {
  await using broker = await smallBroker()
  const sent = { token: 'mine', ttl: 5, deep: { list: [1, null, 'x'] } }
  const { token } = infoOf(await broker.ask('write', 'sys/wrapping/wrap', sent, broker.root, 60))
  const opened = await unwrap(broker, token)
  expect({ data: dataOf(opened), warnings: opened.warnings }).toEqual({ data: sent, warnings: undefined })
  const tooMuch = { a: 'x'.repeat(1_048_576) }
  expect(await refusal(broker.ask('write', 'sys/wrapping/wrap', tooMuch, broker.root, 60))).toMatchObject({
    message: 'a reply is wrapped up to 1048576 bytes'
  })
})

test('a look says where it came from, to anybody, and spends nothing', async () => {
  await using broker = await smallBroker()
  await broker.ask('write', 'cubbyhole/a', { v: 1 })
  const { token, creation_time } = await wrapped(broker, 'cubbyhole/a', 60)
  const told = { creation_path: 'cubbyhole/a', creation_time, creation_ttl: 60 }
  for (const look of [
    broker.ask('write', 'sys/wrapping/lookup', { token }, ''),
    broker.ask('read', 'sys/wrapping/lookup', {}, token),
    broker.ask('write', 'sys/wrapping/lookup', { token }, broker.root)
  ])
    expect(dataOf(await look)).toEqual(told)
  expect(dataOf(await unwrap(broker, token))).toEqual({ v: 1 })
  expect(await refusal(broker.ask('write', 'sys/wrapping/lookup', { token }, ''))).toMatchObject(notValid)
})

test('a new wrapping token takes the place of the old one, with its path and its time', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const first = await wrapped(broker, 'users/creds/app', 60)
  await broker.clock.advance('PT40S')
  const second = infoOf(await broker.ask('write', 'sys/wrapping/rewrap', { token: first.token }))
  expect(second).toMatchObject({ ttl: 60, creation_path: 'users/creds/app', creation_time: broker.clock.now().toString() })
  expect(await refusal(unwrap(broker, first.token))).toMatchObject(notValid)
  await broker.clock.advance('PT40S')
  expect(usersOf(broker.target)).toHaveLength(1)
  expect((await unwrap(broker, second.token)).lease).toMatchObject({ seconds: 3_520 })
})

test('a reply is opened with a token of one’s own too, where the policy lets it', async () => {
  await using broker = await smallBroker()
  await broker.ask('write', 'cubbyhole/a', { v: 1 })
  const { token } = await wrapped(broker, 'cubbyhole/a', 60)
  const nobody = await child(broker, { policies: ['nothing'], no_default_policy: true })
  expect(await refusal(unwrap(broker, token, nobody))).toMatchObject({ code: 'permission_denied' })
  expect(await refusal(unwrap(broker, token, ''))).toMatchObject({ code: 'permission_denied', message: 'permission denied' })
  expect(dataOf(await unwrap(broker, token, await child(broker, { policies: ['default'] })))).toEqual({ v: 1 })
  // A dead one is told of to anybody.
  for (const by of [nobody, '', 's.unknown', token]) expect(await refusal(unwrap(broker, token, by))).toMatchObject(notValid)
})

test('what is opened can be wrapped again, and still ends unopened', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const { token } = await wrapped(broker, 'users/creds/app', 60)
  const again = infoOf(await broker.ask('write', 'sys/wrapping/unwrap', { token }, broker.root, 300))
  expect(again).toMatchObject({ ttl: 300, creation_path: 'sys/wrapping/unwrap' })
  await broker.clock.advance('PT100S')
  expect(usersOf(broker.target)).toHaveLength(1)
  await broker.clock.advance('PT210S')
  expect(usersOf(broker.target)).toEqual([])
})

test.each([
  ['without', undefined, 'permission_denied'],
  ['too short', 30, 'permission_denied'],
  ['within', 90, 'wrapped'],
  ['too long', 121, 'permission_denied']
])('a policy forces wrapping: %s', async (_, seconds, outcome) => {
  await using broker = await smallBroker()
  const policy = 'path "auth/token/lookup-self" { capabilities = ["read"] min_wrapping_ttl = "1m" max_wrapping_ttl = "2m" }'
  await broker.ask('write', 'sys/policies/acl/forced', { policy })
  const token = await child(broker, { policies: ['forced'], no_default_policy: true })
  const answered = await broker.ask('read', 'auth/token/lookup-self', {}, token, seconds).catch((error: { code: string }) => error.code)
  expect(typeof answered === 'string' ? answered : answered.wrapInfo && 'wrapped').toBe(outcome)
})

test('nobody at all has a reply wrapped, and leaves nothing behind', async () => {
  await using broker = await smallBroker()
  const { token } = infoOf(await broker.ask('write', 'sys/wrapping/wrap', { a: 1 }, broker.root, 60))
  const before = (await broker.store.accessors('', 100)).length
  const why = { code: 'invalid_request', message: 'without a token no reply is wrapped but that of a login' }
  expect(await refusal(broker.ask('read', 'sys/internal/ui/mounts', {}, '', 60))).toMatchObject(why)
  for (const by of ['', 's.unknown'])
    expect(await refusal(broker.ask('write', 'sys/wrapping/lookup', { token }, by, 60))).toMatchObject(why)
  expect(await broker.store.accessors('', 100)).toHaveLength(before)
  expect((await broker.ask('read', 'sys/internal/ui/mounts', {}, '')).status).toBe(200)
})

test('the wait has an end: that of every token', async () => {
  await using broker = await smallBroker()
  const reply = await broker.ask('write', 'sys/wrapping/wrap', { a: 1 }, broker.root, 90_000 * 3_600)
  expect(infoOf(reply).ttl).toBe(2_764_800)
  expect(reply.warnings).toEqual(['TTL of "90000h" exceeded the effective max_ttl of "768h"; TTL value is capped accordingly'])
})

test('it waits through a seal and opens after it', async () => {
  await using broker = await smallBroker({ seal: 'shamir' })
  await broker.ask('write', 'cubbyhole/a', { v: 1 })
  const { token } = await wrapped(broker, 'cubbyhole/a', 600)
  await broker.ask('write', 'sys/seal', {})
  await expect.poll(() => broker.life.sealed()).toBe(true)
  await broker.unseal()
  expect(await openedBy(broker, token)).toEqual({ v: 1 })
})

test('it waits through a rotation of the keys: no pass that seals anew touches it, nor loses a cubbyhole', async () => {
  await using broker = await smallBroker()
  await broker.ask('write', 'cubbyhole/a', { v: 1 })
  const { token } = await wrapped(broker, 'cubbyhole/a', 86_400)
  await broker.ask('write', 'sys/rotate')
  const keys = async () => dataOf(await broker.ask('read', 'sys/key-status')) as { term: number; oldest_term: number }
  for (let turn = 0; turn < 100 && (await keys()).oldest_term < 2; turn++) await broker.clock.advance('PT30S')
  expect(await keys()).toMatchObject({ term: 2, oldest_term: 2 })
  expect(await openedBy(broker, token)).toEqual({ v: 1 })
  expect(dataOf(await broker.ask('read', 'cubbyhole/a'))).toEqual({ v: 1 })
})

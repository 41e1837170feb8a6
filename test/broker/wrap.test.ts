import { expect, test } from 'vitest'
import { login, usersOf } from '../../plugins/memory/target.ts'
import type { Reply } from '../../src/broker/request.ts'
import { dataOf, smallBroker, withUsers } from './small-broker.ts'
import type { SmallBroker } from './small-broker.ts'

const notValid = { code: 'invalid_wrapping_token', message: 'wrapping token is not valid or does not exist' }

const infoOf = (reply: Reply) => reply.wrapInfo!.reveal()
const wrapped = async (broker: SmallBroker, path: string, seconds = 60, token = broker.root) =>
  infoOf(await broker.ask('read', path, {}, token, seconds))
const unwrap = (broker: SmallBroker, token: string, by = token) =>
  broker.ask('write', 'sys/wrapping/unwrap', by === token ? {} : { token }, by)
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => 'went through',
    (error: unknown) => error
  )

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

test('what nobody opens in time is revoked', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const { token } = await wrapped(broker, 'users/creds/app')
  expect(usersOf(broker.target)).toHaveLength(1)
  await broker.clock.advance('PT59S')
  expect(usersOf(broker.target)).toHaveLength(1)
  await broker.clock.advance('PT6S')
  expect(usersOf(broker.target)).toEqual([])
  expect(await refusal(unwrap(broker, token))).toMatchObject(notValid)
  const ended = dataOf(await broker.ask('read', 'sys/holdings', { ended: true })) as { holdings: { cause: string }[] }
  expect(ended.holdings.map(({ cause }) => cause)).toEqual(['not-unwrapped'])
})

test('a token that nobody opens in time is never anybody’s', async () => {
  await using broker = await smallBroker()
  const create = async (seconds: number) => infoOf(await broker.ask('write', 'auth/token/create', { ttl: '1h' }, broker.root, seconds))
  const [left, taken] = [await create(60), await create(60)]
  const opened = (await unwrap(broker, taken.token)).auth!.reveal()
  expect(opened.accessor).toBe(taken.wrapped_accessor)
  await broker.clock.advance('PT65S')
  const known = (accessor: string | undefined) => broker.ask('write', 'auth/token/lookup-accessor', { accessor: accessor! })
  expect(await refusal(known(left.wrapped_accessor))).toMatchObject({ code: 'invalid_request' })
  expect(dataOf(await known(taken.wrapped_accessor))).toMatchObject({ accessor: taken.wrapped_accessor })
})

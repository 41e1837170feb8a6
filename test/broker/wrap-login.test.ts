/** What an application is handed, wrapped: its secret id by who starts it, and its token by the login itself. */
import { beforeEach, expect, test } from 'vitest'
import { infoOf, refusal, unwrap } from './wrapping.ts'
import { dataOf, smallBroker } from './small-broker.ts'
import type { SmallBroker } from './small-broker.ts'

let broker: SmallBroker
let roleId: string

beforeEach(async context => {
  broker = await smallBroker()
  context.onTestFinished(() => broker[Symbol.asyncDispose]())
  await broker.ask('write', 'sys/auth/approle', { type: 'approle' })
  await broker.ask('write', 'auth/approle/role/app', { token_ttl: '1h', secret_id_num_uses: 0, secret_id_ttl: '1h' })
  roleId = (dataOf(await broker.ask('read', 'auth/approle/role/app/role-id')) as { role_id: string }).role_id
})

const secretId = async () => infoOf(await broker.ask('write', 'auth/approle/role/app/secret-id', {}, broker.root, 300))

test('a secret id is delivered unseen, known by its accessor, and logs in', async () => {
  const info = await secretId()
  expect(info).toMatchObject({ creation_path: 'auth/approle/role/app/secret-id', wrapped_accessor: expect.any(String) })
  const { secret_id, secret_id_accessor } = dataOf(await unwrap(broker, info.token)) as { secret_id: string; secret_id_accessor: string }
  expect(secret_id_accessor).toBe(info.wrapped_accessor)
  const { auth } = await broker.ask('write', 'auth/approle/login', { role_id: roleId, secret_id }, '')
  expect(auth!.reveal().policies).toEqual(['default'])
})

test('a new wrapping of a secret id still names its accessor', async () => {
  const info = await secretId()
  const again = infoOf(await broker.ask('write', 'sys/wrapping/rewrap', { token: info.token }))
  expect(again).toMatchObject({ creation_path: info.creation_path, wrapped_accessor: info.wrapped_accessor })
})

test('a login is wrapped as any reply, and its token ends when nobody opens it', async () => {
  const { secret_id } = dataOf(await broker.ask('write', 'auth/approle/role/app/secret-id', {})) as { secret_id: string }
  const login = async () => infoOf(await broker.ask('write', 'auth/approle/login', { role_id: roleId, secret_id }, '', 60))
  const [left, taken] = [await login(), await login()]
  expect(left.creation_path).toBe('auth/approle/login')
  expect((await unwrap(broker, taken.token)).auth!.reveal().accessor).toBe(taken.wrapped_accessor)
  await broker.clock.advance('PT65S')
  const known = ({ wrapped_accessor: accessor }: typeof left) => broker.ask('write', 'auth/token/lookup-accessor', { accessor: accessor! })
  expect(await refusal(known(left))).toMatchObject({ code: 'invalid_request' })
  expect((await known(taken)).status).toBe(200)
})

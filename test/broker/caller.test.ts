import { expect, test } from 'vitest'
import { path } from '../../src/contracts/index.ts'
import type { BackendType, Json } from '../../src/contracts/index.ts'
import { dataOf, smallBroker } from './small-broker.ts'

/** Answers what it is told of its caller. */
const mirror: BackendType = {
  type: 'mirror',
  open: async () => ({
    paths: [path({ pattern: 'me', summary: 'who asks', read: async ({ caller }) => ({ data: { ...caller } as Record<string, Json> }) })],
    credentials: {},
    [Symbol.asyncDispose]: async () => {}
  })
}

test('a backend is told what the login said of its caller, and never what a caller says of itself', async () => {
  await using broker = await smallBroker({ backends: [mirror] })
  await broker.ask('write', 'sys/mounts/mirror', { type: 'mirror' })
  await broker.ask('write', 'sys/auth/approle', { type: 'approle' })
  await broker.ask('write', 'sys/policies/acl/app', {
    policy: 'path "mirror/me" { capabilities = ["read"] } path "auth/token/create" { capabilities = ["update"] }'
  })
  await broker.ask('write', 'auth/approle/role/app', { token_policies: 'app' })
  const { role_id } = dataOf(await broker.ask('read', 'auth/approle/role/app/role-id'))
  const { secret_id } = dataOf(await broker.ask('write', 'auth/approle/role/app/secret-id', { metadata: { team: 'shop' } }))
  const login = (await broker.ask('write', 'auth/approle/login', { role_id, secret_id }, '')).auth!.reveal()
  const me = async (token: string) => dataOf(await broker.ask('read', 'mirror/me', {}, token))
  expect((await me(login.client_token)).metadata).toEqual({ team: 'shop', role_name: 'app' })
  const own = { policies: ['app'], meta: { team: 'admins' } }
  const child = (await broker.ask('write', 'auth/token/create', own, login.client_token)).auth!.reveal()
  expect((await me(child.client_token)).metadata).toEqual({})
})

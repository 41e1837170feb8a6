import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBroker } from './open-broker.ts'
import type { TestBroker } from './open-broker.ts'

let broker: TestBroker
let app: string
beforeAll(async () => {
  broker = await openBroker()
  for (const path of ['db', 'deep/er/db', 'hidden'])
    await broker.ask('write', `sys/mounts/${path}`, { type: 'memory', options: { version: 2 } })
  await broker.ask('write', 'sys/mounts/public', { type: 'memory', description: 'for all', config: { listing_visibility: 'unauth' } })
  await broker.ask('write', 'sys/policies/acl/app', {
    policy: 'path "db/creds/app" { capabilities = ["read"] }\npath "deep/+/db/*" { capabilities = ["read"] }'
  })
  app = await broker.token({ policies: ['app'] })
})
afterAll(() => broker[Symbol.asyncDispose]())

const mount = (path: string, token: string | null = app) => broker.ask('read', `sys/internal/ui/mounts/${path}`, {}, { token })

test('the mounts that the caller can use, and those that are for all', async () => {
  const { data } = await broker.ask('read', 'sys/internal/ui/mounts', {}, { token: app })
  expect(Object.keys(data!['secret'] as object).toSorted()).toEqual(['db/', 'deep/er/db/', 'public/', 'sys/'])
  // `default` reaches its own token below auth/token/.
  expect(Object.keys(data!['auth'] as object)).toEqual(['token/'])
})

test('without a token only what says so, in three keys', async () => {
  const { data } = await broker.ask('read', 'sys/internal/ui/mounts', {}, { token: null })
  expect(data).toEqual({ auth: {}, secret: { 'public/': { type: 'memory', description: 'for all', options: {} } } })
})

test.each([
  ['db/creds/app', 'db/'],
  ['db', 'db/'],
  ['deep/er/db/x/y', 'deep/er/db/'],
  ['sys/mounts', 'sys/'],
  ['auth/token/create', 'token/']
])('%s is served by %s', async (path, served) => {
  const { status, data } = await mount(path)
  expect(status).toBe(200)
  expect(data).toMatchObject({ path: served, type: expect.any(String), accessor: expect.any(String) })
  if (served === 'db/') expect(data!['options']).toEqual({ version: '2' })
})

test.each(['hidden/creds/x', 'nowhere/x', 'auth/nowhere', 'deep/er'])('%s: the same refusal, there or not', async path => {
  expect(await mount(path)).toMatchObject({
    status: 403,
    error: `preflight capability check returned 403, please ensure client's policies grant access to path "${path}/"`
  })
})

test.each(['db/creds/app', 'nowhere'])('without a token %s is refused alike', async path => {
  expect(await mount(path, null)).toMatchObject({ status: 403, error: 'permission denied' })
})

test('the whole ACL; of root only that it is root', async () => {
  expect((await broker.ask('read', 'sys/internal/ui/resultant-acl', {}, { token: app })).data).toMatchObject({
    root: false,
    exact_paths: { 'db/creds/app': { capabilities: ['read'] } },
    glob_paths: { 'deep/+/db/': { capabilities: ['read'] } }
  })
  expect((await broker.ask('read', 'sys/internal/ui/resultant-acl')).data).toEqual({ root: true })
})

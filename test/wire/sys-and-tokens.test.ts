/** The shapes of `sys/` and `auth/token/` as bytes: what strict clients decode. What the handlers decide is in test/sys and test/auth. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serveInMemory } from './serve-in-memory.ts'
import type { Served } from './serve-in-memory.ts'

let broker: Served
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mayfly-wire-'))
  broker = await serveInMemory()
  await broker.ask('POST', 'sys/mounts/m', { type: 'memory' })
  await broker.ask('PUT', 'm/config', { path: join(folder, 'users.db') })
  await broker.ask('PUT', 'm/roles/app', { default_ttl: '1h' })
})
afterAll(async () => {
  await broker[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

const envelope = ['auth', 'data', 'lease_duration', 'lease_id', 'renewable', 'request_id', 'warnings', 'wrap_info']

test('creating a token: the eight keys, and the whole auth block with exact types', async () => {
  const { status, type, json } = await broker.ask('POST', 'auth/token/create', { policies: ['default'], ttl: '1h' })
  expect({ status, type }).toEqual({ status: 200, type: 'application/json' })
  expect(Object.keys(json).toSorted()).toEqual(envelope)
  expect(json).toMatchObject({ lease_id: '', renewable: false, lease_duration: 0, data: null, wrap_info: null, warnings: null })
  expect(json['auth']).toEqual({
    client_token: expect.stringMatching(/^s\./),
    accessor: expect.any(String),
    policies: ['default'],
    token_policies: ['default'],
    metadata: null,
    lease_duration: 3_600,
    renewable: true,
    entity_id: '',
    token_type: 'service',
    orphan: false,
    mfa_requirement: null,
    num_uses: 0
  })
})

test.each([
  ['GET', 'sys/mounts', 'm/'],
  ['GET', 'sys/mounts/m', 'accessor'],
  ['GET', 'sys/mounts/m/tune', 'default_lease_ttl'],
  ['GET', 'sys/auth', 'token/'],
  ['GET', 'sys/auth/token/tune', 'token_type'],
  ['GET', 'sys/policy', 'policies'],
  ['GET', 'sys/policy/default', 'rules'],
  ['POST', 'sys/capabilities-self', 'a/b', { paths: ['a/b'] }]
])('%s %s has its data twice', async (method, path, key, body?: unknown) => {
  const { status, json } = await broker.ask(method, path, body)
  expect(status).toBe(200)
  expect(json[key]).toEqual(json['data'][key])
  expect(json[key]).toBeDefined()
})

test.each([
  ['GET', 'sys/policies/acl/default'],
  ['GET', 'sys/policies/acl?list=true'],
  ['GET', 'sys/internal/ui/mounts'],
  ['GET', 'sys/internal/ui/mounts/m/creds/app'],
  ['GET', 'sys/holdings']
])('%s %s has it once', async (method, path) => {
  const { status, json } = await broker.ask(method, path)
  expect(status).toBe(200)
  expect(Object.keys(json).toSorted()).toEqual(envelope)
})

test('a lease from its issue to its end', async () => {
  const issued = await broker.ask('GET', 'm/creds/app')
  const id = issued.json['lease_id'] as string
  expect(issued.json).toMatchObject({
    renewable: true,
    lease_duration: 3_600,
    data: { username: expect.any(String), password: expect.any(String) }
  })
  const found = await broker.ask('PUT', 'sys/leases/lookup', { lease_id: id })
  expect(found.json).toMatchObject({ lease_id: '', data: { id, renewable: true, path: 'm/creds/app', last_renewal: null } })
  const renewed = await broker.ask('PUT', 'sys/leases/renew', { lease_id: id, increment: 60 })
  expect(renewed.json).toMatchObject({ lease_id: id, renewable: true, lease_duration: 60, data: null, warnings: null })
  const listed = await broker.ask('GET', 'sys/leases/lookup/m/creds/app?list=true')
  expect(listed.json['data']).toEqual({ keys: [id.slice('m/creds/app/'.length)] })
  expect(await broker.ask('PUT', `sys/leases/revoke/${id}`, { sync: true })).toMatchObject({
    status: 204,
    body: '',
    type: 'application/json'
  })
  expect(await broker.ask('GET', 'sys/leases/lookup/m/creds/app?list=true')).toMatchObject({ status: 404, json: { errors: [] } })
  expect(await broker.ask('PUT', 'sys/leases/lookup', { lease_id: id })).toMatchObject({ status: 400, json: { errors: ['invalid lease'] } })
})

test.each([
  ['GET', 'auth/token/lookup-self', undefined, '', 403, 'permission denied'],
  ['GET', 'sys/mounts', undefined, 's.unknown', 403, 'permission denied'],
  ['POST', 'auth/token/lookup', { token: 's.unknown' }, undefined, 403, 'bad token'],
  ['GET', 'sys/nothing', undefined, undefined, 404, '1 error occurred:\n\t* unsupported path\n\n'],
  ['DELETE', 'sys/capabilities-self', undefined, undefined, 405, '1 error occurred:\n\t* unsupported operation\n\n'],
  ['POST', 'sys/renew', { lease_id: 'x' }, undefined, 404, '1 error occurred:\n\t* unsupported path\n\n'],
  ['POST', 'sys/mounts/m', { type: 'memory' }, undefined, 400, 'path is already in use at m/'],
  [
    'POST',
    'auth/token/create',
    { ttl: '-5m' },
    undefined,
    400,
    'Field validation failed: ttl: not a duration: expected seconds, or text such as "1h30m", "90s", "2d"'
  ]
])('%s %s %j by %j: %d %s', async (method, path, body, token, status, message) => {
  const reply = await broker.ask(method, path, body, token)
  expect(reply).toMatchObject({ status, type: 'application/json', json: { errors: [message] } })
})

test('an unknown field makes a warning where there is a body, and no body where there is none', async () => {
  expect((await broker.ask('POST', 'auth/token/create', { policies: ['default'], zebra: 1, ant: 2 })).json['warnings']).toEqual([
    'Endpoint ignored these unrecognized parameters: [ant zebra]'
  ])
  expect(await broker.ask('PUT', 'sys/policies/acl/app', { policy: 'path "x" { capabilities = ["read"] }', zebra: 1 })).toMatchObject({
    status: 204,
    body: ''
  })
  // Ours hear of it by a header, without what would be another header.
  const written = await fetch(`${broker.address}/v1/sys/policies/acl/app`, {
    method: 'PUT',
    headers: { 'X-Vault-Token': broker.root },
    body: JSON.stringify({ policy: 'path "x" { capabilities = ["read"] }', zebra: 1, 'ü\r\nSet-Cookie: a=b': 1 })
  })
  expect([written.status, written.headers.get('x-mayfly-ignored'), written.headers.get('set-cookie')]).toEqual([
    204,
    'zebra %C3%BC%0D%0ASet-Cookie%3A%20a%3Db',
    null
  ])
})

test('202 only where it was asked for', async () => {
  const id = (await broker.ask('GET', 'm/creds/app')).json['lease_id'] as string
  expect((await broker.ask('PUT', `sys/leases/revoke/${id}`, { sync: false })).status).toBe(202)
  expect(await broker.ask('POST', 'sys/leases/tidy')).toMatchObject({
    status: 202,
    json: { warnings: [expect.stringContaining('Tidy operation successfully started')] }
  })
})

test('sealed, nothing but the life routes answers', async () => {
  await using other = await serveInMemory()
  expect((await other.ask('PUT', 'sys/seal')).status).toBe(204)
  await expect.poll(async () => (await other.ask('GET', 'sys/mounts')).status).toBe(503)
  expect(await other.ask('GET', 'auth/token/lookup-self')).toMatchObject({ status: 503, json: { errors: ['Vault is sealed'] } })
  expect((await other.ask('GET', 'sys/seal-status')).json).toMatchObject({ sealed: true })
})

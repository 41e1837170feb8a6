import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBroker } from './open-broker.ts'
import type { TestBroker } from './open-broker.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await openBroker()
})
afterAll(() => broker[Symbol.asyncDispose]())

const text = '# who reads\npath "database/creds/*" {\n  capabilities = ["read"]\n}\n'

test('a policy comes back byte for byte, by both routes', async () => {
  expect((await broker.ask('write', 'sys/policies/acl/app', { policy: text })).status).toBe(204)
  expect((await broker.ask('read', 'sys/policies/acl/app')).data).toEqual({ name: 'app', policy: text })
  expect((await broker.ask('read', 'sys/policy/app')).data).toEqual({ name: 'app', rules: text })
})

test('text, JSON and base64 are one thing', async () => {
  const json = '{"path":{"a/*":{"capabilities":["read"]}}}'
  await broker.ask('write', 'sys/policies/acl/json', { policy: json })
  await broker.ask('write', 'sys/policies/acl/base64', { policy: Buffer.from(text).toString('base64') })
  expect((await broker.ask('read', 'sys/policies/acl/json')).data).toEqual({ name: 'json', policy: json })
  expect((await broker.ask('read', 'sys/policies/acl/base64')).data).toEqual({ name: 'base64', policy: text })
})

test('capitals are lowered, with a warning', async () => {
  const { status, warnings } = await broker.ask('write', 'sys/policies/acl/Team-A', { policy: text })
  expect({ status, warnings }).toEqual({ status: 200, warnings: ['policy name was converted to team-a'] })
  expect((await broker.ask('read', 'sys/policies/acl/TEAM-A')).data).toMatchObject({ name: 'team-a' })
})

test('the old route takes rules, and warns', async () => {
  const { status, warnings } = await broker.ask('write', 'sys/policy/old', { rules: text })
  expect({ status, warnings }).toEqual({ status: 200, warnings: ["'rules' is deprecated, please use 'policy' instead"] })
  for (const operation of ['read', 'list'] as const) {
    const { data } = await broker.ask(operation, 'sys/policy')
    expect(data!['keys']).toEqual(expect.arrayContaining(['default', 'old', 'root']))
    expect(data!['policies']).toEqual(data!['keys'])
  }
})

test('a name may have slashes, and stays one policy', async () => {
  for (const route of ['sys/policies/acl', 'sys/policy']) {
    expect((await broker.ask('write', `${route}/team/shop`, { policy: text })).status).toBe(204)
    expect((await broker.ask('read', 'sys/policies/acl/team/shop')).data).toEqual({ name: 'team/shop', policy: text })
    expect((await broker.ask('list', 'sys/policies/acl')).data!['keys']).toContain('team/shop')
    expect(await broker.ask('read', `${route}/team`)).toMatchObject({ status: 404 })
    expect((await broker.ask('delete', `${route}/team/shop`)).status).toBe(204)
    expect(await broker.ask('read', `${route}/team/shop`)).toMatchObject({ status: 404 })
  }
  expect(await broker.ask('read', 'sys/policies/acl')).toMatchObject({ status: 405 })
})

test('the list has the built-in ones and what was written', async () => {
  const { data } = await broker.ask('list', 'sys/policies/acl')
  expect(data!['keys']).toEqual(expect.arrayContaining(['app', 'default', 'root']))
})

test.each([
  ['write', 'root', { policy: text }, 'cannot update "root" policy'],
  ['write', 'response-wrapping', { policy: text }, 'cannot update "response-wrapping" policy'],
  ['write', 'app', {}, "'policy' parameter not supplied or empty"],
  ['write', 'app', { policy: 'path "x" { capabilites = ["read"] }' }, 'failed to parse policy: line 1: unknown key "capabilites"'],
  ['write', 'app', { policy: text, ttl: '1h' }, 'ttl is not offered for policies'],
  ['delete', 'root', {}, 'cannot delete "root" policy'],
  ['delete', 'default', {}, 'cannot delete default policy'],
  ['write', 'Root', { policy: text }, 'the policy root is spelled in lower case']
] as const)('%s %s: 400', async (operation, name, data, error) => {
  expect(await broker.ask(operation, `sys/policies/acl/${name}`, data)).toMatchObject({ status: 400, error })
  expect((await broker.ask('read', 'sys/policies/acl/app')).data).toEqual({ name: 'app', policy: text })
})

test('an unknown one reads as nothing and is deleted as if it were there', async () => {
  expect((await broker.ask('read', 'sys/policies/acl/nobody')).status).toBe(404)
  expect((await broker.ask('delete', 'sys/policies/acl/nobody')).status).toBe(204)
})

test('root reads as an empty text', async () => {
  expect((await broker.ask('read', 'sys/policies/acl/root')).data).toEqual({ name: 'root', policy: '' })
})

test('a policy counts with the next request, and so does its end', async () => {
  const token = await broker.token({ policies: ['soon'] })
  const tries = async () => (await broker.ask('read', 'sys/mounts', {}, { token })).status
  expect(await tries()).toBe(403)
  await broker.ask('write', 'sys/policies/acl/soon', { policy: 'path "sys/mounts" { capabilities = ["read"] }' })
  expect(await tries()).toBe(200)
  await broker.ask('delete', 'sys/policies/acl/soon')
  expect(await tries()).toBe(403)
})

test('capabilities: one key per path, one more for a single path', async () => {
  const policy = 'path "a/*" { capabilities = ["update", "read", "list"] }\npath "a/b" { capabilities = ["deny"] }'
  await broker.ask('write', 'sys/policies/acl/some', { policy })
  const { auth } = await broker.ask('write', 'auth/token/create', { policies: ['some'] })
  const { client_token: token, accessor } = auth!
  const many = { 'a/x': ['list', 'read', 'update'], 'a/b': ['deny'], elsewhere: ['deny'] }
  expect((await broker.ask('write', 'sys/capabilities', { token, paths: 'a/x,a/b,elsewhere' })).data).toEqual(many)
  expect((await broker.ask('write', 'sys/capabilities-accessor', { accessor, paths: ['a/x', 'a/b', 'elsewhere'] })).data).toEqual(many)
  expect((await broker.ask('write', 'sys/capabilities-self', { path: 'a/x', token: 'ignored' }, { token })).data).toEqual({
    'a/x': ['list', 'read', 'update'],
    capabilities: ['list', 'read', 'update']
  })
  expect((await broker.ask('write', 'sys/capabilities-self', { paths: ['a'] })).data).toEqual({ a: ['root'], capabilities: ['root'] })
})

test.each([
  ['sys/capabilities', { token: 's.unknown', paths: ['a'] }, '1 error occurred:\n\t* invalid token\n\n'],
  ['sys/capabilities-accessor', { accessor: 'unknown', paths: ['a'] }, '1 error occurred:\n\t* invalid accessor\n\n'],
  ['sys/capabilities-self', {}, 'paths must be supplied']
])('%s %j: 400', async (path, data, error) => {
  expect(await broker.ask('write', path, data)).toMatchObject({ status: 400, error })
})

test.each([
  ['capabilities = ["deny"]', 400],
  ['capabilities = []', 400],
  ['capabilities = ["read"]', 400],
  ['capabilities = ["read", "update"]\ndenied_parameters = { "ttl" = [] }', 400],
  ['capabilities = ["read", "update"]\nmin_wrapping_ttl = "1m"', 400],
  ['capabilities = ["read", "update"]', 204],
  ['capabilities = ["read", "update", "delete"]', 204]
])('a rule with a template beside a wider one, %s: %i, for dropped it must leave no more than was written', async (own, status) => {
  const wide = 'path "kv/+/*" { capabilities = ["read", "update"] }'
  const policy = `${wide}\npath "kv/{{identity.entity.id}}/*" { ${own} }`
  const error = status === 400 ? 'failed to parse policy: a deny or a limit with a template would not be enforced here' : undefined
  expect(await broker.ask('write', 'sys/policies/acl/own', { policy })).toMatchObject({ status, ...(error && { error }) })
})

test('a policy of a megabyte with templates is answered in a moment', async () => {
  const rules = Array.from({ length: 10_000 }, (_, n) => `path "+/a${n}" {}\npath "x/{{identity.entity.id}}/${n}" {}`)
  const began = performance.now()
  expect((await broker.ask('write', 'sys/policies/acl/own', { policy: rules.join('\n') })).status).toBe(400)
  expect(performance.now() - began).toBeLessThan(5_000)
})

test.each([
  ['read', 204],
  ['deny', 400]
])('a rule with a template alone, %s: %i', async (capability, status) => {
  const policy = `path "kv/{{identity.entity.id}}/*" { capabilities = ["${capability}"] }`
  expect((await broker.ask('write', 'sys/policies/acl/own', { policy })).status).toBe(status)
})

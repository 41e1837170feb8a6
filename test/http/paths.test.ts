/** Rows 1 to 8 of the attacks: what is authorized is what is routed, and nothing is read twice. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { serving } from './serving.ts'
import type { Serving } from './serving.ts'

let served: Serving
beforeAll(async () => void (served = await serving()))
afterAll(() => served[Symbol.asyncDispose]())
beforeEach(() => void (served.door.asked.length = 0))

test.each([
  ['/v1/database/creds/ro', 'database/creds/ro'],
  ['/v1//database/creds/ro', 'database/creds/ro'],
  ['/v1/database//creds///ro', 'database/creds/ro'],
  ['/v1/database/creds/ro/', 'database/creds/ro'],
  ['/v1/', ''],
  ['/v1/ssh/roles/a%40b%3Ac', 'ssh/roles/a@b:c'],
  ['/v1/kv/two%20words', 'kv/two words'],
  ['/v1/kv/%c3%a9t%C3%A9', 'kv/été'],
  ['/v1/kv/100%25', 'kv/100%'],
  ['/v1/kv/%252e%252e/x', 'kv/%2e%2e/x'],
  ['/v1/kv/a..b/.hidden', 'kv/a..b/.hidden'],
  ["/v1/kv/it's(1)!*&=;", "kv/it's(1)!*&=;"]
])('%s is the path %s', async (target, path) => {
  expect(await served.ask('GET', target)).toMatchObject({ status: 200 })
  expect(served.door.asked.map(request => request.path)).toEqual([path])
})

test.each([
  // Row 1: dots, raw and encoded
  '/v1/database/creds/../../sys/mounts',
  '/v1/./sys/mounts',
  '/v1/a/..',
  '/v1/a/.',
  '/v1/%2e%2e/sys/mounts',
  '/v1/a/.%2E/b',
  '/v1/..;/x/..',
  // Row 3: separators in disguise
  '/v1/database/roles/role%2fadmin',
  '/v1/database/roles/role%2Fadmin',
  '/v1/database/roles/role%5cadmin',
  '/v1/database/roles/role\\admin',
  '/v1/%2f',
  // Row 4: control, bidi and zero-width characters
  '/v1/a/b%00',
  '/v1/a/b%0ac',
  '/v1/a/b%0d%0aX:1',
  '/v1/a/%7f',
  '/v1/a/%c2%85',
  '/v1/a/%e2%80%ae',
  '/v1/a/%e2%80%8bb',
  '/v1/a/%e2%81%a6b',
  '/v1/a/%ef%bb%bfb',
  '/v1/a/%c2%adb',
  '/v1/a/%e2%80%a8b',
  '/v1/a/%cd%8f',
  // Row 5: what looks like another name
  '/v1/a/%ef%bd%81%ef%bd%84%ef%bd%8d%ef%bd%89%ef%bd%8e',
  '/v1/a/%ef%ac%81le',
  '/v1/a/%e2%84%aa',
  '/v1/a/e%cc%81',
  // Row 6: what a store or a proxy might trim
  '/v1/a/admin%20',
  '/v1/a/%20admin',
  '/v1/a/%09admin',
  '/v1/a/admin%c2%a0',
  '/v1/a/admin.',
  '/v1/a/admin%2e',
  '/v1/a./b',
  // no UTF-8, no percent-encoding, surrogates, overlong
  '/v1/a/%ff',
  '/v1/a/%c0%af',
  '/v1/a/%ed%a0%80',
  '/v1/a/%',
  '/v1/a/%zz',
  '/v1/a/b%4',
  '/v1/a#b'
])('%s is refused before the door', async target => {
  const reply = await served.ask('GET', target)
  expect(reply).toMatchObject({ status: 400, headers: { 'content-type': 'application/json' } })
  expect(served.door.asked).toEqual([])
})

test('a refusal does not repeat the path', async () => {
  const reply = await served.ask('GET', '/v1/a/canary%00')
  expect(reply.body).not.toContain('canary')
})

test.each([
  ['//v1/sys/seal', 404],
  ['//evil/v1/sys/mounts', 404],
  ['/V1/sys/mounts', 404],
  ['/%761/sys/mounts', 404],
  ['/v1', 404],
  ['/v2/sys/mounts', 404],
  ['/../v1/sys/mounts', 404],
  ['/ui/', 404],
  ['/metrics', 404]
])('%s is not the API: %i', async (target, status) => {
  expect(await served.ask('PUT', target)).toMatchObject({ status, body: '{"errors":[]}\n' })
  expect(served.door.asked).toEqual([])
})

test.each(['http://localhost/v1/sys/mounts', 'http://evil.example/v1/sys/mounts', 'https://[::1/v1/x', '*'])(
  'the target %s is refused',
  async target => {
    expect((await served.ask(target === '*' ? 'OPTIONS' : 'GET', target)).status).toBe(400)
    expect(served.door.asked).toEqual([])
  }
)

test.each(['/', '/ui'])('%s leads to the page', async target => {
  expect(await served.ask('GET', target)).toMatchObject({ status: 307, headers: { location: '/ui/' } })
})

test('row 8: long names and many segments take flat time', async () => {
  const took: number[] = []
  for (const target of [
    `/v1/a/${'n'.repeat(4_096)}`,
    `/v1/${'a/'.repeat(5_000)}b`,
    `/v1/${'/'.repeat(15_000)}`,
    `/v1/${'%41'.repeat(4_500)}`,
    `/v1/${'%2e%2e%2f'.repeat(1_500)}`
  ]) {
    const cpu = process.threadCpuUsage()
    expect([200, 400]).toContain((await served.ask('GET', target)).status)
    const { user, system } = process.threadCpuUsage(cpu)
    took.push((user + system) / 1_000)
  }
  expect(Math.max(...took)).toBeLessThan(500)
  expect(served.door.asked.every(({ path }) => path.length <= 4_096)).toBe(true)
})

test('row 7: every spelling of a list is one operation on one path', async () => {
  for (const [method, target] of [
    ['LIST', '/v1/p'],
    ['LIST', '/v1/p/'],
    ['GET', '/v1/p?list=true'],
    ['GET', '/v1/p/?list=true'],
    ['GET', '/v1/p?list=1'],
    ['GET', '/v1/p?list=T&after=']
  ] as const)
    await served.ask(method, target)
  expect(new Set(served.door.asked.map(({ operation, path }) => `${operation} ${path}`))).toEqual(new Set(['list p']))
})

test.each(['list=2', 'list=yes', 'list=TruE', 'scan=x'])('GET ?%s is neither yes nor no', async query => {
  expect((await served.ask('GET', `/v1/p?${query}`)).status).toBe(400)
})

test.each([
  ['GET', '?scan=true', 405],
  ['OPTIONS', '', 400],
  ['HEAD', '', 405],
  ['FOO', '', 400],
  ['TRACE', '', 405],
  ['REPORT', '', 405],
  ['SCAN', '', 405]
])('%s %s never becomes a read', async (method, query, status) => {
  expect((await served.ask(method, `/v1/database/creds/ro${query}`)).status).toBe(status)
  expect(served.door.asked).toEqual([])
})

test.each(['GET', 'LIST', 'POST', 'PUT', 'DELETE'])('%s with ?help=1 asks for help, and for nothing else', async method => {
  await served.ask(method, '/v1/database/creds/ro?help=1', { 'x-vault-wrap-ttl': '60' }, method === 'POST' ? '{"a":1}' : undefined)
  expect(served.door.asked).toMatchObject([{ operation: 'read', path: 'sys/internal/help/database/creds/ro', data: {}, wrapSeconds: 0 }])
})

test.each(['sys/init', 'sys/unseal', 'sys/health'])('help on %s is of the door too, and begins nothing', async path => {
  await served.ask('PUT', `/v1/${path}?help=1`, {}, '{}')
  expect(served.door.asked).toMatchObject([{ operation: 'read', path: `sys/internal/help/${path}` }])
})

test.each(['POST', 'PUT'])('%s does not write to a folder', async method => {
  expect(await served.ask(method, '/v1/a/', {}, '{}')).toMatchObject({
    status: 400,
    body: `{"errors":["cannot write to a path ending in '/'"]}\n`
  })
})

test('query fields are those of a read and a delete, and none of a write', async () => {
  await served.ask('GET', '/v1/a?role_arn=x%20y&ttl=1h&n=1&n=2&list=false')
  await served.ask('DELETE', '/v1/a?force=true')
  await served.ask('POST', '/v1/a?force=true', {}, '{"b":1}')
  expect(served.door.asked.map(({ data }) => data)).toEqual([{ role_arn: 'x y', ttl: '1h', n: ['1', '2'] }, { force: 'true' }, { b: 1 }])
})

test('a query names no prototype, and is bounded', async () => {
  expect((await served.ask('GET', '/v1/a?__proto__=x')).status).toBe(400)
  expect((await served.ask('GET', `/v1/a?${'a=&'.repeat(1_500)}`)).status).toBe(400)
  await served.ask('GET', '/v1/a?constructor=x&toString=y')
  expect(served.door.asked.map(({ data }) => data)).toEqual([{ constructor: 'x', toString: 'y' }])
})

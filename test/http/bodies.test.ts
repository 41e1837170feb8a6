/** Rows 9 to 12 and 16 of the attacks, and what the clients of the wire send. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { bytes } from './raw-client.ts'
import { serving } from './serving.ts'
import type { Serving } from './serving.ts'

let served: Serving
beforeAll(async () => void (served = await serving()))
afterAll(() => served[Symbol.asyncDispose]())
beforeEach(() => void (served.door.asked.length = 0))

const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
const data = () => served.door.asked.map(request => request.data)

test.each([
  ['no type', {}, '{"a":"1h"}', { a: '1h' }],
  ['the JSON type', { 'Content-Type': 'application/json' }, '{"a":null}', { a: null }],
  ['a charset', { 'Content-Type': 'application/json; charset=UTF-8' }, '{"a":"\u00c3\u00a9"}', { a: 'é' }],
  ['any type', { 'Content-Type': 'text/plain' }, ' {"a":[1,-2,0.5]} \n', { a: [1, -2, 0.5] }],
  ['a form that is JSON', form, ' \n{"a":"b"}', { a: 'b' }],
  ['a form', form, 'a=b%20c&d=&e=1&e=2', { a: 'b c', d: '', e: '1,2' }],
  ['nothing', {}, '', {}],
  ['white space', {}, ' \r\n', {}],
  ['null', {}, 'null', {}],
  ['null in a form', form, 'null', {}],
  [
    'names of the prototype',
    {},
    '{"constructor":{"prototype":{"x":1}},"toString":1}',
    { constructor: { prototype: { x: 1 } }, toString: 1 }
  ],
  ['the largest exact integer', {}, '{"n":9007199254740991,"m":-9007199254740991}', { n: 9007199254740991, m: -9007199254740991 }],
  ['braces and commas in text', {}, '{"a":"{[,:\\"\\\\"}', { a: '{[,:"\\' }]
])('a body with %s is read', async (_name, headers, body, fields) => {
  expect((await served.ask('POST', '/v1/a', headers, body)).status).toBe(200)
  expect(data()).toEqual([fields])
})

test('a write without a body has no fields', async () => {
  await served.ask('PUT', '/v1/a')
  await served.ask('POST', '/v1/a', { 'Content-Length': '0' })
  expect(served.door.asked.map(({ operation, data }) => ({ operation, data }))).toEqual([
    { operation: 'write', data: {} },
    { operation: 'write', data: {} }
  ])
})

test('a body where none belongs is read and forgotten', async () => {
  expect((await served.ask('GET', '/v1/a?b=1', {}, '{"c":2}')).status).toBe(200)
  expect((await served.ask('LIST', '/v1/a', {}, 'not json')).status).toBe(200)
  expect((await served.ask('DELETE', '/v1/a', {}, '[[[')).status).toBe(200)
  expect(data()).toEqual([{ b: '1' }, {}, {}])
})

test('PATCH needs its own type', async () => {
  for (const type of [{}, { 'Content-Type': 'application/json' }, { 'Content-Type': 'application/merge-patch+jsonx' }])
    expect((await served.ask('PATCH', '/v1/a', type, '{}')).status).toBe(415)
  expect((await served.ask('PATCH', '/v1/a')).status).toBe(415)
  expect((await served.ask('PATCH', '/v1/a', { 'Content-Type': 'application/merge-patch+json; charset=utf-8' }, '{"a":1}')).status).toBe(
    200
  )
  expect(served.door.asked).toMatchObject([{ operation: 'patch', data: { a: 1 } }])
})

const canary = 'canary-5e1f'
const deep = (count: number) => '['.repeat(count)

test.each([
  // Row 9
  ['__proto__ at the top', '{"__proto__":{"admin":true}}', 400],
  ['__proto__ below', '{"a":{"b":{"__proto__":1}}}', 400],
  ['__proto__ in an array', '{"a":[1,{"__proto__":{}}]}', 400],
  ['__proto__ by escapes', '{"\\u005f_proto__":1}', 400],
  // Row 10
  ['a key twice', '{"ttl":"1h","ttl":"9999h"}', 400],
  ['a key twice by escapes', '{"ttl":"1h","tt\\u006c":"9999h"}', 400],
  ['a key twice below', '{"a":[{"b":1,"b":2}]}', 400],
  // Row 12
  ['an array', '[]', 400],
  ['a text', `"${canary}"`, 400],
  ['a number', '1', 400],
  ['false', 'false', 400],
  ['bytes behind the value', `{"a":1} ${canary}`, 400],
  ['two values', '{}{}', 400],
  ['half a value', `{"a":"${canary}`, 400],
  ['a comment', '{/**/}', 400],
  ['a byte order mark', '\u00ef\u00bb\u00bf{}', 400],
  ['no UTF-8', '{"a":"\u00ff"}', 400],
  // numbers that would not stay what they are
  ['2^53', '{"ttl":9007199254740992}', 400],
  ['2^53 + 1 in a list', '{"a":[{"ttl":9007199254740993}]}', 400],
  ['1e400', '{"ttl":1e400}', 400],
  ['-1e309', '{"ttl":-1e309}', 400],
  // Row 11
  ['301 arrays', `{"a":${deep(301)}${']'.repeat(301)}}`, 400],
  ['10,001 elements', `{"a":[${'1,'.repeat(10_001)}1]}`, 400],
  ['10,001 keys', `{${Array.from({ length: 10_002 }, (_, i) => `"k${i}":1`).join(',')}}`, 400],
  ['a text of more than 1 MiB', `{"a":"${'x'.repeat(1_048_577)}"}`, 400],
  ['a key of more than 1 MiB', `{"${'x'.repeat(1_048_577)}":1}`, 400]
])('a body with %s is refused', async (_name, body, status) => {
  const reply = await served.ask('POST', '/v1/a', {}, body)
  expect(reply).toMatchObject({ status, headers: { 'content-type': 'application/json' } })
  expect(reply.body).not.toContain(canary)
  expect(served.door.asked).toEqual([])
  expect(({} as Record<string, unknown>)['admin']).toBeUndefined()
})

test('the number that is too large is named, not shown', async () => {
  const { body } = await served.ask('POST', '/v1/a', {}, '{"a":{"ttl":12345678901234567890}}')
  expect(body).toBe('{"errors":["Field validation failed: ttl: the number is too large"]}\n')
})

test('what is just within the limits passes', async () => {
  const bodies = [`{"a":${deep(299)}${']'.repeat(299)}}`, `{"a":[${'1,'.repeat(9_999)}1]}`, `{"a":"${'x'.repeat(1_048_576)}"}`]
  for (const body of bodies) expect((await served.ask('POST', '/v1/a', {}, body)).status).toBe(200)
})

test.each([
  ['multipart/form-data; boundary=x', 415],
  ['application/json; charset=utf-7', 415],
  ['application/json; charset="utf-16"', 415],
  ['application/json; charset="utf-8"; x=y', 200]
])('row 16: the type %s is answered %i', async (type, status) => {
  expect((await served.ask('POST', '/v1/a', { 'Content-Type': type }, '{}')).status).toBe(status)
})

test.each(['gzip', 'br', 'zstd', 'gzip, identity', 'x'])('a body in the encoding %s is refused', async encoding => {
  expect((await served.ask('POST', '/v1/a', { 'Content-Encoding': encoding }, '{}')).status).toBe(415)
})

test.each([
  ['with a token', 't'],
  ['without one', '']
])('row 11: 5,000,000 nested arrays are refused at once, %s', async (_name, token) => {
  const cpu = process.threadCpuUsage()
  const reply = await served.ask('POST', '/v1/a', { 'X-Vault-Token': token }, `{"a":${deep(5_000_000)}`)
  expect(reply).toMatchObject({ status: 400, body: '{"errors":["refused JSON input due to high complexity: nested deeper than 300"]}\n' })
  const { user, system } = process.threadCpuUsage(cpu)
  // The client is in this process too.
  expect((user + system) / 1_000).toBeLessThan(250)
  expect(served.door.asked).toEqual([])
})

test('a body above the limit is refused by its length, and one without a length while it comes', async () => {
  await using small = await serving({ limits: { ...(await import('../../src/http/limits.ts')).wireLimits, bodyBytesMax: 1_000 } })
  const told = await small.ask('POST', '/v1/a', {}, 'x'.repeat(100_000))
  expect(told).toMatchObject({
    status: 413,
    headers: { 'content-type': 'application/json' },
    body: '{"errors":["http: request body too large"]}\n'
  })
  using endless = small.connect()
  await endless.send('POST /v1/a HTTP/1.1\r\nHost: h\r\nX-Vault-Token: t\r\nTransfer-Encoding: chunked\r\n\r\n')
  const chunk = `400\r\n${'y'.repeat(0x400)}\r\n`
  const reply = endless.reply()
  for (let i = 0; i < 20; i++) await endless.send(chunk)
  expect(await reply).toMatchObject({ status: 413, headers: { connection: 'close' } })
  await endless.end()
  expect(small.door.asked).toEqual([])
})

test('33 MiB are answered 413, although the client is still sending', async () => {
  const body = `{"a":"${'x'.repeat(33 * 1_048_576)}"}`
  expect((await served.ask('POST', '/v1/a', {}, body)).status).toBe(413)
})

test('many large bodies at once do not fill the memory', async () => {
  await using small = await serving({ limits: { ...(await import('../../src/http/limits.ts')).wireLimits, bodiesBytesMax: 30_000 } })
  using first = small.connect()
  using second = small.connect()
  const half = bytes('POST', '/v1/a', { 'Content-Length': '60000' }) + 'x'.repeat(40_000)
  await first.send(half)
  await new Promise(resolve => setTimeout(resolve, 50))
  await second.send(half)
  expect(await second.reply()).toMatchObject({ status: 429, headers: { 'retry-after': '1' } })
  first[Symbol.dispose]()
  // As soon as the server sees that it is gone.
  await expect.poll(async () => (await small.ask('POST', '/v1/a', {}, `{"a":"${'x'.repeat(40_000)}"}`)).status).toBe(200)
})

test('whoever fills the room for large bodies keeps nobody from writing', async () => {
  await using small = await serving({ limits: { ...(await import('../../src/http/limits.ts')).wireLimits, bodiesBytesMax: 30_000 } })
  using greedy = small.connect()
  await greedy.send(bytes('POST', '/v1/a', { 'Content-Length': '60000' }) + 'x'.repeat(46_000))
  await expect.poll(async () => (await small.ask('POST', '/v1/a', {}, `{"a":"${'x'.repeat(40_000)}"}`)).status).toBe(429)
  expect((await small.ask('POST', '/v1/a', {}, '{"a":1}')).status).toBe(200)
  expect((await small.ask('GET', '/v1/a', {}, 'x'.repeat(40_000))).status).toBe(200)
})

test('a body that ends early asks nothing', async () => {
  using client = served.connect()
  await client.send(bytes('POST', '/v1/a', { 'Content-Length': '100' }, '{"a":1}'))
  client.socket.end()
  await client.end()
  expect(served.door.asked).toEqual([])
})

/** Rows 18 and 20 to 22 of the attacks: what one client may do to the others. */
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { wireLimits } from '../../src/http/limits.ts'
import { RawClient, bytes } from './raw-client.ts'
import { serving } from './serving.ts'
import type { Serving } from './serving.ts'
import { testCertificate } from './test-certificate.ts'

// The same machinery with a shorter patience.
const short = {
  ...wireLimits,
  headersMs: 300,
  requestMs: 600,
  keepAliveMs: 300,
  stalledMs: 1_000,
  handshakeMs: 300,
  checkEveryMs: 100,
  connectionsMax: 20
}

// Less than the program's own patience with a head, and more than a busy machine takes for a reply.
const patienceMs = 8_000

let served: Serving
beforeEach(async () => void (served = await serving({ limits: short })))
afterEach(() => served[Symbol.asyncDispose]())

const healthy = async (client = served.connect()) => {
  using _ = client
  const started = performance.now()
  await client.send(bytes('GET', '/v1/sys/health'))
  expect((await client.reply())?.status).toBe(200)
  expect(performance.now() - started).toBeLessThan(patienceMs)
}

const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`a${i}`, '']))

const post = 'POST /v1/a HTTP/1.1\r\nHost: h\r\nX-Vault-Token: t\r\n'

test.each([
  ['both lengths', `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['two lengths', `${post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} `],
  ['a signed length', `${post}Content-Length: +2\r\n\r\n{}`],
  ['a length in hex', `${post}Content-Length: 0x2\r\n\r\n{}`],
  ['a folded header', `${post}X-A: b\r\n c\r\n\r\n`],
  ['a space before the colon', `${post}X-A : b\r\n\r\n`],
  ['bare line feeds', 'GET /v1/a HTTP/1.1\nHost: h\n\n'],
  ['an unknown transfer encoding', `${post}Transfer-Encoding: xchunked\r\n\r\n`],
  ['chunked, twice removed', `${post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
  ['a bad chunk size', `${post}Transfer-Encoding: chunked\r\n\r\nzz\r\n`],
  ['a NUL in the path', 'GET /v1/a\0b HTTP/1.1\r\nHost: h\r\n\r\n'],
  ['high bytes in the path', 'GET /v1/\u00e9 HTTP/1.1\r\nHost: h\r\n\r\n'],
  ['no host', 'GET /v1/a HTTP/1.1\r\nX-Vault-Token: t\r\n\r\n'],
  ['row 26: the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['no HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03']
])('row 18: %s is 400, and the connection ends', async (_name, text) => {
  using client = served.connect()
  await client.send(text)
  expect((await client.reply())?.status).toBe(400)
  await client.end()
  expect(served.door.asked).toEqual([])
  await healthy()
})

test('what the parser refuses behind a pending reply does not mix with it', async () => {
  const answer = Promise.withResolvers<void>()
  served.door.answer = ({ id }) => answer.promise.then(() => ({ requestId: id, status: 200, data: { slow: true } }))
  using client = served.connect()
  await client.send(`${bytes('GET', '/v1/a')}${bytes('GET', '/v1/b')}BROKEN\r\n\r\n`)
  await client.end()
  expect(await client.reply()).toBeUndefined()
  answer.resolve()
  await healthy()
})

test('row 20: a header of 17 KB is 431, and so are too many', async () => {
  expect((await served.ask('GET', '/v1/a', { 'X-A': 'x'.repeat(17_000) })).status).toBe(431)
  expect((await served.ask('GET', '/v1/a', many(2_000))).status).toBe(431)
  expect((await served.ask('GET', '/v1/a', many(98))).status).toBe(200)
  expect((await served.ask('GET', '/v1/a', many(99))).status).toBe(431)
})

describe('row 21: who is slow is closed at the limits, and the others do not notice', () => {
  test.each([
    ['says nothing', ''],
    ['sends half a line', 'GET /v1'],
    ['sends half a verb', 'LI'],
    ['sends half a head', 'GET /v1/a HTTP/1.1\r\nHost: h\r\n'],
    ['sends half a body', bytes('POST', '/v1/a', { 'Content-Length': '100' }, '{"a"')],
    ['asks, and then nothing', bytes('GET', '/v1/a')],
    ['asks, and then half a verb', `${bytes('GET', '/v1/a')}LIS`]
  ])('a client that %s', async (_name, text) => {
    using client = served.connect()
    await client.send(text)
    await healthy()
    const started = performance.now()
    await client.end()
    expect(performance.now() - started).toBeLessThan(patienceMs)
  })

  test('a client that sends a byte now and then', async () => {
    using client = served.connect()
    const drip = setInterval(() => client.socket.write('a'), 50)
    await client.send('GET /v1/a HTTP/1.1\r\nX-A: ')
    await client.end()
    clearInterval(drip)
  })

  test('a client that never reads its replies', async () => {
    served.door.answer = async ({ id }) => ({ requestId: id, status: 200, data: { filler: 'x'.repeat(200_000) } })
    using client = served.connect()
    client.socket.pause()
    await client.send(bytes('GET', '/v1/a').repeat(200))
    await expect.poll(() => served.door.asked.at(-1)?.gone.aborted).toBe(true)
    await healthy()
  })
})

test('row 22: idle connections make room for others, whoever they are', async () => {
  const idle = Array.from({ length: 60 }, () => served.connect())
  await expect.poll(() => idle.filter(client => !client.closed).length).toBeLessThanOrEqual(short.connectionsMax)
  await healthy()
  for (const client of idle) client[Symbol.dispose]()
})

test('row 22: connections with work under way are kept, and the newcomer goes', async () => {
  served.door.answer = () => new Promise(() => undefined)
  const busy = Array.from({ length: short.connectionsMax }, () => served.connect())
  for (const client of busy) await client.send(bytes('GET', '/v1/a'))
  await expect.poll(() => served.door.asked.length).toBe(short.connectionsMax)
  using late = served.connect()
  await late.end()
  expect(busy.every(client => !client.closed)).toBe(true)
  for (const client of busy) client[Symbol.dispose]()
})

test('row 22: requests that are never sent to their end make room too', async () => {
  await using patient = await serving({ limits: { ...wireLimits, connectionsMax: 5 } })
  const half = Array.from({ length: 5 }, () => patient.connect())
  for (const { socket } of half) {
    // The answer says that the head has arrived.
    socket.write(bytes('POST', '/v1/a', { 'Content-Length': '100', Expect: '100-continue' }) + '{"a":')
    await once(socket, 'data')
  }
  await healthy(patient.connect())
  await expect.poll(() => half.map(({ closed }) => closed)).toEqual([true, false, false, false, false])
  expect(patient.door.asked).toEqual([])
  for (const client of half) client[Symbol.dispose]()
})

test('row 22: handshakes that never end make room too', async () => {
  await using secure = await serving({ limits: short, tls: testCertificate() })
  const silent = Array.from({ length: 60 }, () => RawClient.plain(secure.listener.port))
  await expect.poll(() => silent.filter(client => !client.closed).length).toBeLessThanOrEqual(short.connectionsMax)
  await healthy(secure.connect())
  await Promise.all(silent.map(client => client.end()))
})

test('row 22: a connection ends after its 1,000 requests, each of which is answered', async () => {
  using client = served.connect()
  await client.send(bytes('GET', '/v1/sys/health').repeat(1_000))
  for (let i = 1; i <= 1_000; i++) {
    const reply = await client.reply()
    expect(reply).toMatchObject({ status: 200, headers: { connection: i < 1_000 ? 'keep-alive' : 'close' } })
  }
  await client.end()
})

test('what is refused before the door is counted, not told one by one', async () => {
  for (let i = 0; i < 5; i++) await served.ask('GET', '/v1/a/..')
  await served.ask('GET', '/v1/a', { 'X-A': 'x'.repeat(17_000) })
  await served.ask('GET', '/v1/a', { 'X-Vault-Token': 'wrong' })
  expect(served.log.lines).toEqual([])
  await served.listener.close(0)
  expect(served.log.lines).toMatchObject([{ level: 'warn', fields: { count: 6 } }])
})

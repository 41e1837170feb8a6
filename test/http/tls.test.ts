/** Rows 25 and 26 of the attacks. */
import { connect } from 'node:tls'
import type { ConnectionOptions } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RawClient, bytes } from './raw-client.ts'
import { serving } from './serving.ts'
import type { Serving } from './serving.ts'
import { testCertificate } from './test-certificate.ts'

const first = testCertificate()
const second = testCertificate()
const foreign = testCertificate('a stranger')

let served: Serving
beforeAll(async () => void (served = await serving({ tls: { ...first, clientCa: second.cert } })))
afterAll(() => served[Symbol.asyncDispose]())

const client = (options: ConnectionOptions = {}) =>
  new RawClient(connect({ port: served.listener.port, host: '127.0.0.1', ca: [first.cert, second.cert], ...options }))

async function answers(of: RawClient): Promise<boolean> {
  using asking = of
  await asking.send(bytes('LIST', '/v1/a')).catch(() => undefined)
  return (await asking.reply())?.status === 200
}

test('a client is served, with a name and without', async () => {
  expect(await answers(client({ servername: 'localhost' }))).toBe(true)
  expect(await answers(client({ servername: '' }))).toBe(true)
  expect(served.door.asked.at(-1)?.remoteAddress).toBe('127.0.0.1')
  using asking = client()
  await asking.send(bytes('GET', '/v1/a'))
  expect((await asking.reply())?.headers['strict-transport-security']).toBe('max-age=31536000')
})

test.each(['TLSv1', 'TLSv1.1'] as const)('%s is refused, and the next client is served', async version => {
  expect(await answers(client({ minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' }))).toBe(false)
  expect(await answers(client())).toBe(true)
})

test('no second handshake in the middle of a connection', async () => {
  const socket = connect({ port: served.listener.port, host: '127.0.0.1', ca: first.cert, maxVersion: 'TLSv1.2' })
  using asking = new RawClient(socket)
  await asking.send(bytes('GET', '/v1/a'))
  expect((await asking.reply())?.status).toBe(200)
  let renegotiated = false
  socket.renegotiate({}, error => void (renegotiated = error === null))
  await asking.send(bytes('GET', '/v1/a')).catch(() => undefined)
  await asking.end()
  expect(renegotiated).toBe(false)
  expect(await answers(client())).toBe(true)
})

test('a client certificate is asked for, and a foreign one keeps nobody from other routes', async () => {
  expect(await answers(client(foreign))).toBe(true)
  expect(await answers(client(second))).toBe(true)
})

test('a client certificate of 100 KB harms nobody', async () => {
  const huge = testCertificate(
    'huge',
    Array.from({ length: 2_400 }, (_, i) => `${String(i).padStart(30, 'x')}.example`)
  )
  expect(huge.cert.length).toBeGreaterThan(100_000)
  await answers(client(huge))
  expect(await answers(client())).toBe(true)
})

test('plain text to the TLS port is closed', async () => {
  using plain = RawClient.plain(served.listener.port)
  await plain.send(bytes('GET', '/v1/a'))
  await plain.end()
  expect(await answers(client())).toBe(true)
})

test('HTTP/2 is not spoken', async () => {
  const socket = connect({ port: served.listener.port, host: '127.0.0.1', ca: first.cert, ALPNProtocols: ['h2', 'http/1.1'] })
  using asking = new RawClient(socket)
  await asking.send(bytes('GET', '/v1/a'))
  expect((await asking.reply())?.status).toBe(200)
  expect(socket.alpnProtocol).toBe('http/1.1')
  expect(await answers(client({ ALPNProtocols: ['h2'] }))).toBe(false)
})

test('a new certificate serves new connections, an unusable one changes nothing', async () => {
  using old = client()
  await old.send(bytes('GET', '/v1/a'))
  await old.reply()
  served.listener.reloadTls(second)
  expect(await answers(client({ ca: second.cert }))).toBe(true)
  expect(await answers(client({ ca: first.cert }))).toBe(false)
  expect(() => served.listener.reloadTls({ cert: 'no PEM', key: second.key })).toThrow()
  expect(() => served.listener.reloadTls({ cert: first.cert, key: second.key })).toThrow()
  expect(await answers(client({ ca: second.cert }))).toBe(true)
  await old.send(bytes('GET', '/v1/a'))
  expect((await old.reply())?.status).toBe(200)
})

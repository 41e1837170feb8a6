import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bytes } from './raw-client.ts'
import type { RawClient } from './raw-client.ts'
import { serving } from './serving.ts'
import type { Serving } from './serving.ts'
import { testCertificate } from './test-certificate.ts'

const list = { operation: 'list', path: 'database/roles', data: {} }
const read = { operation: 'read', path: 'database/roles', data: {} }

describe.each(['plain', 'tls'] as const)('over %s', kind => {
  let served: Serving
  let client: RawClient

  beforeAll(async () => {
    served = await serving(kind === 'tls' ? { tls: testCertificate() } : {})
    return () => served[Symbol.asyncDispose]()
  })
  beforeEach(() => {
    client = served.connect()
    return () => client[Symbol.dispose]()
  })

  const next = async () => {
    const reply = await client.reply()
    return reply?.status === 200 ? (JSON.parse(reply.body) as { data: unknown }).data : reply?.status
  }

  test('LIST by verb, with and without a slash, is what the query asks for too', async () => {
    for (const [method, target] of [
      ['LIST', '/v1/database/roles'],
      ['LIST', '/v1/database/roles/'],
      ['GET', '/v1/database/roles?list=true'],
      ['GET', '/v1/database/roles/?list=true'],
      ['GET', '/v1/database/roles?list=1']
    ] as const) {
      await client.send(bytes(method, target))
      expect(await next()).toEqual(list)
    }
  })

  test('a list keeps its query fields', async () => {
    await client.send(bytes('LIST', '/v1/database/roles?after=a&limit=2'))
    expect(await next()).toEqual({ ...list, data: { after: 'a', limit: '2' } })
  })

  test('methods mix on one connection', async () => {
    await client.send(bytes('LIST', '/v1/database/roles'))
    expect(await next()).toEqual(list)
    await client.send(bytes('GET', '/v1/database/roles'))
    expect(await next()).toEqual(read)
    await client.send(bytes('POST', '/v1/database/roles', {}, '{"a":1}'))
    expect(await next()).toEqual({ operation: 'write', path: 'database/roles', data: { a: 1 } })
    await client.send(bytes('LIST', '/v1/database/roles'))
    expect(await next()).toEqual(list)
  })

  test('pipelined requests are each their own, lists between bodies included', async () => {
    const post = bytes('POST', '/v1/x', {}, '{"a":"LIST /v1/y HTTP/1.1\\r\\n"}')
    await client.send(
      bytes('LIST', '/v1/database/roles') +
        post +
        bytes('LIST', '/v1/database/roles') +
        bytes('GET', '/v1/database/roles') +
        bytes('LIST', '/v1/database/roles')
    )
    const replies = [await next(), await next(), await next(), await next(), await next()]
    expect(replies).toEqual([list, { operation: 'write', path: 'x', data: { a: 'LIST /v1/y HTTP/1.1\r\n' } }, list, read, list])
  })

  test('a list may arrive byte by byte', async () => {
    const text = bytes('LIST', '/v1/database/roles')
    await client.send(...text.split(''))
    expect(await next()).toEqual(list)
  })

  test('a list may be cut anywhere, whatever comes before it', async () => {
    const before = bytes('POST', '/v1/x', {}, '{"b":2}')
    const text = `${before}\r\n${bytes('LIST', '/v1/database/roles')}`
    for (let cut = before.length - 3; cut < text.length; cut += 1) {
      await client.send(text.slice(0, cut), text.slice(cut))
      expect([await next(), await next()]).toEqual([{ operation: 'write', path: 'x', data: { b: 2 } }, list])
    }
  })

  test('a body that begins with LIST, or is nothing but request lines, is not touched', async () => {
    for (const body of ['"LIST /v1/x HTTP/1.1"', `${' '.repeat(20)}{"x":"\\r\\n\\r\\nLIST /v1/y HTTP/1.1\\r\\n\\r\\n"}`]) {
      await client.send(bytes('POST', '/v1/x', {}, `{"a":${body}}`))
      expect(await next()).toEqual({ operation: 'write', path: 'x', data: { a: JSON.parse(body) } })
    }
    const form = 'LIST /v1/x HTTP/1.1=\r\n\r\nLIST '
    await client.send(bytes('POST', '/v1/x', { 'Content-Type': 'application/x-www-form-urlencoded' }, form))
    expect(await next()).toEqual({ operation: 'write', path: 'x', data: { 'LIST /v1/x HTTP/1.1': '\r\n\r\nLIST ' } })
    const head = bytes('POST', '/v1/x', { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': String(form.length) })
    await client.send(head, ...form.split(''))
    expect(await next()).toEqual({ operation: 'write', path: 'x', data: { 'LIST /v1/x HTTP/1.1': '\r\n\r\nLIST ' } })
  })

  test('a header that holds a request line is not touched', async () => {
    await client.send(`GET /v1/x HTTP/1.1\r\nHost: h\r\nX-Vault-Token: t\r\nUser-Agent: `, 'LIST /v1/y HTTP/1.1\r\n\r\n')
    expect(await next()).toEqual({ operation: 'read', path: 'x', data: {} })
    expect(served.door.asked.at(-1)?.userAgent).toBe('LIST /v1/y HTTP/1.1')
  })

  test('a chunked body ends the connection with its reply, and nothing behind it is read as a list', async () => {
    const chunked = 'POST /v1/x HTTP/1.1\r\nHost: h\r\nX-Vault-Token: t\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{"c":3}\r\n0\r\n\r\n'
    await client.send(chunked)
    expect(await client.reply()).toMatchObject({ status: 200, headers: { connection: 'close' } })
    await client.end()
  })

  test('a stand-in verb of the client itself is refused', async () => {
    const before = served.door.asked.length
    for (const method of ['LINK', 'LOCK', 'SCAN', 'TRACE']) {
      await client.send(bytes(method, '/v1/database/roles'))
      expect(await client.reply()).toMatchObject({ status: 405, body: '{"errors":[]}\n' })
    }
    await client.send(bytes('LIST', '/v1/a') + bytes('LINK', '/v1/a'))
    expect([await next(), await next()]).toEqual([{ ...list, path: 'a' }, 405])
    expect(served.door.asked.length).toBe(before + 1)
  })

  test('words that only begin like a list are Node’s 400', async () => {
    for (const line of ['LISTS /v1/x HTTP/1.1', 'list /v1/x HTTP/1.1', 'LIST\t/v1/x HTTP/1.1', 'LIST  HTTP/1.1', 'LIST']) {
      using other = served.connect()
      await other.send(`${line}\r\nHost: h\r\n\r\n`)
      expect((await other.reply())?.status).toBe(400)
    }
  })

  test('a client that offers an upgrade is served as usual', async () => {
    await client.send(
      bytes('LIST', '/v1/database/roles', {
        Connection: 'Upgrade, HTTP2-Settings',
        Upgrade: 'h2c',
        'HTTP2-Settings': 'AAMAAABkAAQAoAAAAAIAAAAA'
      })
    )
    expect(await next()).toEqual(list)
  })
})

test('a client that reads nothing for a while loses no list', async () => {
  await using served = await serving()
  served.door.answer = async ({ id }) => ({ requestId: id, status: 200, data: { filler: 'x'.repeat(50_000) } })
  using client = served.connect()
  client.socket.pause()
  const count = 400
  const pair = bytes('LIST', '/v1/a') + bytes('POST', '/v1/b', {}, '{}')
  // In batches: what comes in one packet is read at once, whatever waits to be written.
  const batches = Array.from({ length: 20 }, () => pair.repeat(count / 40))
  await Promise.race([client.send(...batches), new Promise(resolve => setTimeout(resolve, 500))])
  expect(served.door.asked.length).toBeLessThan(count)
  client.socket.resume()
  for (let i = 0; i < count; i++) expect((await client.reply())?.status).toBe(200)
  expect(served.door.asked.map(({ operation }) => operation).toSorted()).toEqual([
    ...Array(count / 2).fill('list'),
    ...Array(count / 2).fill('write')
  ])
})

import { afterEach, expect, test } from 'vitest'
import { Client } from '../../src/client/client.ts'
import { Denied, NothingThere, Refused, Sealed, TooMany, Unreachable } from '../../src/client/client-error.ts'
import { envelope, SmallServer } from '../cli/small-server.ts'
import { testCertificate } from '../http/test-certificate.ts'

let open: AsyncDisposable[] = []

afterEach(async () => {
  for (const one of open) await one[Symbol.asyncDispose]()
  open = []
})

async function started(tls?: { readonly cert: string; readonly key: string }): Promise<SmallServer> {
  const server = await SmallServer.start(tls)
  open.push(server)
  return server
}

test('a reply is its envelope; a plain body is the data of one; nothing is an empty one', async () => {
  const server = await started()
  using client = new Client({ address: server.address, token: 't' })
  server.answer = { body: envelope({ lease_id: 'l', lease_duration: 3_600, renewable: true, data: { username: 'u' }, warnings: ['w'] }) }
  expect(await client.request('GET', 'database/creds/r')).toMatchObject({
    lease_id: 'l',
    lease_duration: 3_600,
    renewable: true,
    data: { username: 'u' },
    warnings: ['w']
  })
  server.answer = { body: { sealed: true, t: 3 } }
  expect(await client.request('GET', 'sys/seal-status')).toMatchObject({ request_id: '', data: { sealed: true, t: 3 } })
  server.answer = { status: 204 }
  expect(await client.request('PUT', 'x', {})).toMatchObject({ data: null, auth: null, warnings: null })
})

test('fields travel in the query of what has no body, else in the body, as JSON', async () => {
  const server = await started()
  using client = new Client({ address: `${server.address}/below/`, token: 's.tok' })
  await client.request('LIST', 'a/', { limit: 2, tags: ['x', 'y'] })
  await client.request('POST', 'a', { n: 1 })
  await client.request('POST', 'a')
  await client.request('DELETE', 'a', { v: 'ü&=' })
  expect(server.asked.map(({ method, target, body }) => [method, target, body])).toEqual([
    ['GET', '/below/v1/a/?limit=2&tags=x&tags=y&list=true', ''],
    ['POST', '/below/v1/a', '{"n":1}'],
    ['POST', '/below/v1/a', ''],
    ['DELETE', '/below/v1/a?v=%C3%BC%26%3D', '']
  ])
  expect(server.asked[1]?.headers).toMatchObject({
    'x-vault-token': 's.tok',
    'x-vault-request': 'true',
    'content-type': 'application/json'
  })
  expect(server.asked[2]?.headers['content-type']).toBeUndefined()
})

test('without a token none is sent', async () => {
  const server = await started()
  using client = new Client({ address: server.address })
  await client.request('GET', 'x')
  expect(Object.keys(server.asked[0]?.headers ?? {})).not.toContain('x-vault-token')
})

test.each([
  [400, { errors: ['no'] }, Refused],
  [403, { errors: ['permission denied'] }, Denied],
  [404, { errors: [] }, NothingThere],
  [404, { errors: ['no handler for route "x"'] }, Refused],
  [429, { errors: ['rate limit'] }, TooMany],
  [500, { errors: ['internal error'] }, Refused],
  [503, { errors: ['Vault is sealed'] }, Sealed]
])('status %i with %j has a class of its own', async (status, body, kind) => {
  const server = await started()
  using client = new Client({ address: server.address })
  server.answer = { status, body }
  const error: unknown = await client.request('GET', 'a/b').catch((error: unknown) => error)
  expect(error).toBeInstanceOf(Refused)
  expect(error?.constructor).toBe(kind)
  expect(error).toMatchObject({ status, texts: body.errors, path: 'a/b' })
})

test('a request is never repeated by itself: a read may have issued a credential', async () => {
  const server = await started()
  using client = new Client({ address: server.address })
  server.answer = { breaks: true }
  await expect(client.request('GET', 'database/creds/r')).rejects.toMatchObject({ why: 'broken' })
  server.answer = { status: 500, body: { errors: ['internal error'] } }
  await expect(client.request('GET', 'database/creds/r')).rejects.toBeInstanceOf(Refused)
  expect(server.asked).toHaveLength(2)
})

test('a server that says nothing is given up', async () => {
  const server = await started()
  using client = new Client({ address: server.address })
  server.answer = { body: envelope({}) }
  const silent = server.silence()
  await expect(client.request('GET', 'x', {}, { timeoutMs: 50 })).rejects.toMatchObject({ why: 'silent' })
  silent.end()
})

test('only the named authority is trusted, whatever the environment says', async () => {
  const certificate = testCertificate()
  const server = await started(certificate)
  using trusting = new Client({ address: server.address, ca: certificate.cert })
  server.answer = { body: envelope({ data: { a: 'b' } }) }
  expect((await trusting.request('GET', 'x')).data).toEqual({ a: 'b' })
  using plain = new Client({ address: server.address, token: 'canary' })
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  try {
    await expect(plain.request('GET', 'x')).rejects.toMatchObject({ why: 'untrusted certificate' })
  } finally {
    delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  }
  using other = new Client({ address: server.address, ca: testCertificate().cert })
  await expect(other.request('GET', 'x')).rejects.toMatchObject({ why: 'untrusted certificate' })
  expect(server.asked).toHaveLength(1)
})

test('TLS that meets none is told from a server that is away', async () => {
  const server = await started()
  using client = new Client({ address: server.address.replace('http', 'https') })
  await expect(client.request('GET', 'x')).rejects.toMatchObject({ why: 'no TLS' })
  const { address } = server
  await server[Symbol.asyncDispose]()
  open = []
  using gone = new Client({ address })
  await expect(gone.request('GET', 'x')).rejects.toMatchObject({ why: 'refused', address })
  using unknown = new Client({ address: 'http://no-such-host.invalid' })
  await expect(unknown.request('GET', 'x')).rejects.toBeInstanceOf(Unreachable)
})

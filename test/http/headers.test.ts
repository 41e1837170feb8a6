/** Rows 19, 23, 24, 27, 28 and 93 of the attacks: what headers may say. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { serving } from './serving.ts'
import type { Serving } from './serving.ts'

let served: Serving
beforeAll(async () => void (served = await serving()))
afterAll(() => served[Symbol.asyncDispose]())
beforeEach(() => void (served.door.asked.length = served.log.lines.length = 0))

const tokens = () => served.door.asked.map(({ token }) => token)
const raw = async (...lines: string[]) => {
  using client = served.connect()
  await client.send(`GET /v1/a HTTP/1.1\r\nHost: h\r\n${lines.map(line => `${line}\r\n`).join('')}\r\n`)
  return await client.reply()
}

test('the token comes in its own header, or as a bearer', async () => {
  await raw('X-Vault-Token: t')
  await raw('x-vault-token:t ')
  await raw('Authorization: Bearer t')
  await raw('X-Vault-Token:', 'Authorization: Bearer t')
  await raw('X-Vault-Token: t', 'Authorization: Bearer other')
  expect(tokens()).toEqual(['t', 't', 't', 't', 't'])
})

test.each([
  'Authorization: bearer t',
  'Authorization: Basic dDp0',
  'Authorization: Bearer',
  'Authorization: t',
  'Cookie: token=t; X-Vault-Token=t',
  'X-Token: t'
])('%s is no token', async line => {
  expect((await raw(line))?.status).toBe(403)
  expect(tokens()).toEqual([undefined])
})

test('row 19: a token in the query or the body is none, and is logged nowhere', async () => {
  for (const name of ['token', 'X-Vault-Token', 'client_token'])
    expect((await served.ask('GET', `/v1/a?${name}=canary`, { 'X-Vault-Token': '' })).status).toBe(403)
  expect((await served.ask('POST', '/v1/a', { 'X-Vault-Token': '' }, '{"token":"canary"}')).status).toBe(403)
  expect(JSON.stringify(served.log.lines)).not.toContain('canary')
})

test.each([
  ['X-Vault-Token: t', 'X-Vault-Token: t'],
  ['X-Vault-Token: t', 'x-vault-token: other'],
  ['X-Vault-Token:', 'X-Vault-Token: t'],
  ['Authorization: Bearer t', 'authorization: Bearer other']
])('a repeated token header is refused: %s, %s', async (...lines) => {
  expect((await raw(...lines))?.status).toBe(400)
  expect(served.door.asked).toEqual([])
})

test.each(['a', 'x'.repeat(10_000), 'hvs.CAESI', 't\tt', 't t', 't,t', '\u00e9\u00ff'])(
  'row 27: an odd token is a wrong token',
  async token => {
    expect((await raw(`X-Vault-Token: ${token}`))?.status).toBe(403)
  }
)

test.each(['\x00', '\x01', '\x1b[31m', '\x7f'])('row 28: bytes that no header may hold are 400, with a text', async text => {
  expect(await raw(`X-Vault-Token: t${text}`)).toMatchObject({
    status: 400,
    headers: { 'content-type': 'text/plain; charset=utf-8', connection: 'close' },
    body: '400 Bad Request: invalid header value'
  })
})

test.each(['', 'root', 'root/', '/'])('the namespace "%s" is the root', async name => {
  expect((await raw('X-Vault-Token: t', `X-Vault-Namespace: ${name}`))?.status).toBe(200)
})

test.each(['a', 'a/', 'Root', 'root/a', 'root, root', '%2f'])('the namespace "%s" is not there', async name => {
  expect(await raw('X-Vault-Token: t', `X-Vault-Namespace: ${name}`)).toMatchObject({
    status: 404,
    body: '{"errors":["namespace not found"]}\n'
  })
  expect(served.door.asked).toEqual([])
})

test.each(['', '0', '0s'])('no wrapping is asked for by "%s"', async ttl => {
  expect((await raw('X-Vault-Token: t', `X-Vault-Wrap-TTL: ${ttl}`))?.status).toBe(200)
  expect(served.door.asked[0]?.wrapSeconds).toBe(0)
})

test.each([
  ['60', 60],
  ['5m', 300],
  ['1d', 86_400]
])('wrapping for "%s" is asked for', async (ttl, seconds) => {
  expect((await raw('X-Vault-Token: t', `X-Vault-Wrap-TTL: ${ttl}`))?.status).toBe(200)
  expect(served.door.asked[0]?.wrapSeconds).toBe(seconds)
})

test.each(['x', '-1', '1.5', '9e99', '60, 60', '500ms', '0.9s'])('wrapping for "%s" is refused, not ignored', async ttl => {
  const reply = await raw('X-Vault-Token: t', `X-Vault-Wrap-TTL: ${ttl}`)
  expect(reply?.status).toBe(400)
  expect(reply?.body).toContain('error parsing X-Vault-Wrap-TTL header: ')
  expect(served.door.asked).toEqual([])
})

test('row 23: the socket says who asks, not a header, and the host means nothing', async () => {
  await raw(
    'X-Vault-Token: t',
    'X-Forwarded-For: 6.6.6.6',
    'X-Forwarded-Host: evil',
    'X-Forwarded-Proto: https',
    'Forwarded: for=6.6.6.6',
    'X-Real-IP: 6.6.6.6'
  )
  expect(served.door.asked).toMatchObject([{ remoteAddress: '127.0.0.1' }])
  expect(served.door.asked[0]!.remotePort).toBeGreaterThan(0)
  expect((await served.ask('GET', '/v1/a', { Host: 'evil.example' })).status).toBe(200)
})

test('row 24: the request id is ours', async () => {
  const reply = await raw('X-Vault-Token: t', 'X-Request-Id: "},{\u001b'.slice(0, -1), `X-Correlation-Id: ${'x'.repeat(10_000)}`)
  const { request_id: id } = JSON.parse(reply!.body) as { request_id: string }
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(served.door.asked[0]!.id).toBe(id)
})

test('the user agent goes to the door, bounded', async () => {
  await raw('X-Vault-Token: t', `User-Agent: ${'u'.repeat(5_000)}`)
  await raw('X-Vault-Token: t')
  expect(served.door.asked.map(({ userAgent }) => userAgent)).toEqual(['u'.repeat(256), undefined])
})

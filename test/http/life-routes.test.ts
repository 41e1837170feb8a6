import { afterEach, beforeEach, expect, test } from 'vitest'
import { serving } from './serving.ts'
import type { Serving } from './serving.ts'

let served: Serving
beforeEach(async () => void (served = await serving()))
afterEach(() => served[Symbol.asyncDispose]())

const anonymous = { 'X-Vault-Token': '' }
const ask = (method: string, target: string, body?: string) => served.ask(method, target, anonymous, body)

test.each([
  ['uninitialised', 501],
  ['sealed', 503],
  ['unsealed', 200]
] as const)('health of a broker that is %s is %i, by GET and by HEAD', async (life, status) => {
  served.door.life = life
  const reply = await ask('GET', '/v1/sys/health')
  expect(reply).toMatchObject({ status, headers: { 'content-type': 'application/json' } })
  expect(JSON.parse(reply.body)).toEqual({ initialized: life !== 'uninitialised', sealed: life !== 'unsealed', version: '2.6.2' })
  expect(await ask('HEAD', '/v1/sys/health')).toMatchObject({ status, body: '' })
})

test('the caller of health may choose its codes', async () => {
  const codes =
    'uninitcode=210&sealedcode=211&activecode=299&standbycode=429&drsecondarycode=472&performancestandbycode=473&haunhealthycode=474&removedcode=530&standbyok=true'
  for (const [life, status] of [
    ['uninitialised', 210],
    ['sealed', 211],
    ['unsealed', 299]
  ] as const) {
    served.door.life = life
    expect((await ask('GET', `/v1/sys/health?${codes}`)).status).toBe(status)
  }
  expect((await ask('HEAD', '/v1/sys/health?activecode=204')).status).toBe(204)
})

test.each(['activecode=x', 'sealedcode=100', 'uninitcode=1e3', 'standbycode=-200', 'removedcode=600', 'activecode=299&activecode=298'])(
  'health?%s is refused',
  async query => {
    expect((await ask('GET', `/v1/sys/health?${query}`)).status).toBe(400)
  }
)

test('the life of a broker, without a token, with plain bodies', async () => {
  served.door.life = 'uninitialised'
  expect((await ask('GET', '/v1/sys/init')).body).toBe('{"initialized":false}\n')
  expect((await ask('PUT', '/v1/sys/init', '{"secret_shares":1,"secret_threshold":1}')).body).toBe('{"keys":["k"],"root_token":"t"}\n')
  expect((await ask('GET', '/v1/sys/init')).body).toBe('{"initialized":true}\n')
  expect((await ask('GET', '/v1/sys/seal-status')).body).toBe('{"type":"shamir","sealed":true}\n')
  expect((await ask('GET', '/v1/sys/leader')).body).toBe('{"ha_enabled":false}\n')
  expect((await ask('POST', '/v1/sys/unseal', '{"key":"k"}')).body).toBe('{"type":"shamir","sealed":false}\n')
  expect(await ask('POST', '/v1//sys/init/', '{}')).toMatchObject({ status: 400, body: '{"errors":["Vault is already initialized"]}\n' })
  expect(served.door.lifeCalls.map(({ body }) => body)).toEqual([{ secret_shares: 1, secret_threshold: 1 }, { key: 'k' }, {}])
  expect(served.door.lifeCalls[0]!.from).toEqual({
    requestId: expect.any(String),
    remoteAddress: '127.0.0.1',
    remotePort: expect.any(Number)
  })
  expect(served.door.asked).toEqual([])
})

test.each([
  ['POST', 'health'],
  ['DELETE', 'health'],
  ['PUT', 'seal-status'],
  ['LIST', 'seal-status'],
  ['HEAD', 'seal-status'],
  ['DELETE', 'init'],
  ['PATCH', 'init'],
  ['LIST', 'init'],
  ['GET', 'unseal'],
  ['HEAD', 'unseal'],
  ['POST', 'leader'],
  ['OPTIONS', 'leader']
])('%s sys/%s is 405', async (method, route) => {
  expect((await ask(method, `/v1/sys/${route}`)).status).toBe(405)
  expect(served.door.lifeCalls).toEqual([])
})

test.each(['sealed', 'uninitialised'] as const)('everything else is 503 while %s, with a token and without', async life => {
  served.door.life = life
  for (const path of [
    'sys/mounts',
    'sys/seal',
    'auth/token/lookup-self',
    'database/creds/ro',
    'sys/health/x',
    'sys/initx',
    'x/sys/init',
    ''
  ])
    for (const method of ['GET', 'LIST', 'POST', 'DELETE', 'PUT'])
      for (const token of ['t', ''])
        expect(await served.ask(method, `/v1/${path}`, { 'X-Vault-Token': token })).toMatchObject({
          status: 503,
          body: '{"errors":["Vault is sealed"]}\n'
        })
  expect(served.door.asked).toEqual([])
  // Clients that wait for an operator are no events.
  expect(served.log.lines).toEqual([])
})

/** Odd requests that are taken, because clients send them or because they do no harm: each means exactly what its plain form means. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RawClient, bytes } from '../http/raw-client.ts'
import type { Api } from '../crash/api.ts'
import { brokerUnderAttack } from './broker-under-attack.ts'
import type { BrokerUnderAttack } from './broker-under-attack.ts'

let broker: BrokerUnderAttack
let owner: Api
let lister: Api

beforeAll(async () => {
  broker = await brokerUnderAttack()
  await broker.policy('lister', { 'users/roles': ['list'] })
  owner = broker.as((await broker.token({ policies: ['app'] })).token)
  lister = broker.as((await broker.token({ policies: ['lister'] })).token)
})
afterAll(() => broker[Symbol.asyncDispose]())

/** Raw, with what a JSON client cannot send. */
async function raw(method: string, target: string, token: string, headers: Readonly<Record<string, string>> = {}, body?: string) {
  using client = RawClient.plain(broker.port)
  await client.send(bytes(method, target, { 'X-Vault-Token': token, ...headers }, body))
  const reply = await client.reply()
  if (!reply) throw new Error('no reply')
  return { status: reply.status, headers: reply.headers, json: reply.body === '' ? undefined : JSON.parse(reply.body) }
}

test.each(['/v1//users/creds/app', '/v1/users//creds///app', '/v1/users/creds/app/', '/v1/users/creds/%61pp'])(
  'row 2: %s is the plain path, for the policy, the lease and the trail',
  async target => {
    const { status, json } = await raw('GET', target, owner.token, { 'User-Agent': `taken ${target}` })
    expect(status).toBe(200)
    expect(json.lease_id).toMatch(/^users\/creds\/app\/[A-Za-z0-9]+$/)
    for (const entry of await broker.audit.of(`taken ${target}`)) expect(entry.request?.['path']).toBe('users/creds/app')
    expect((await raw('GET', target, lister.token)).status).toBe(403)
  }
)

test.each([
  ['LIST', '/v1/users/roles'],
  ['LIST', '/v1/users/roles/'],
  ['GET', '/v1/users/roles?list=true'],
  ['GET', '/v1/users/roles/?list=true']
])('row 7: %s %s: one handler and one right', async (method, target) => {
  expect((await raw(method, target, lister.token)).json.data).toEqual({ keys: ['app'] })
  expect((await raw(method, target, owner.token)).status).toBe(403)
})

test.each(['/v1/users/roles/app', '/v1/users/roles/app?list=false'])('row 7: the right to list does not read: %s', async target => {
  expect((await raw('GET', target, lister.token)).status).toBe(403)
})

test('row 9: names of the prototype are fields that nobody knows, and the next request behaves', async () => {
  const body = { constructor: { prototype: { policies: ['root'] } }, toString: 1, hasOwnProperty: 'x' }
  const { auth, warnings } = await broker.root.must('POST', 'auth/token/create', { ...body, policies: ['app'] })
  expect(auth.policies).toEqual(['app', 'default'])
  expect(warnings).toEqual(['Endpoint ignored these unrecognized parameters: [constructor hasOwnProperty toString]'])
  const { data } = await owner.must('GET', 'auth/token/lookup-self')
  expect(data.policies).toEqual(['app', 'default'])
})

test.each(['', 'null', ' \n', '{}'])('row 12: the body %j has no fields', async body => {
  const { status, json } = await raw('PUT', '/v1/sys/leases/renew', broker.root.token, {}, body)
  expect({ status, json }).toEqual({ status: 400, json: { errors: ['lease_id must be specified'] } })
})

describe('durations', () => {
  test.each([0, '0', '0s', '', null])('row 14: a TTL of %j is the default, never "for ever"', async ttl => {
    const { auth } = await broker.root.must('POST', 'auth/token/create', { policies: ['app'], ttl })
    expect(auth.lease_duration).toBe(2_764_800)
    await broker.root.must('POST', 'users/roles/zero', { default_ttl: ttl, max_ttl: ttl })
    expect((await broker.root.must('GET', 'users/creds/zero')).lease_duration).toBe(3_600)
  })

  test.each([2_147_483_647, '24855d', '500000h', 86_400 * 25])(
    'row 15: a TTL of %j is capped, says so, and ends nothing at once',
    async ttl => {
      const { auth, warnings } = await broker.root.must('POST', 'auth/token/create', { policies: ['app'], ttl, explicit_max_ttl: '2h' })
      expect(auth.lease_duration).toBe(7_200)
      expect(warnings).toEqual([expect.stringMatching(/exceeded the effective max_ttl of "2h"; TTL value is capped accordingly/)])
      const { lease_id } = await owner.must('GET', 'users/creds/app')
      const renewed = await owner.must('PUT', 'sys/leases/renew', { lease_id, increment: ttl })
      expect(renewed.lease_duration).toBeLessThanOrEqual(14_400)
      expect(renewed.lease_duration).toBeGreaterThan(14_390)
      expect((await owner.must('PUT', 'sys/leases/lookup', { lease_id })).data).toMatchObject({ state: 'active', cause: null })
    }
  )
})

test('row 17: an unknown field of the wire’s paths is told, and changes nothing', async () => {
  const { auth, warnings } = await broker.root.must('POST', 'auth/token/create', { policies: ['app'], tll: '5m' })
  expect(auth.lease_duration).toBe(2_764_800)
  expect(warnings).toEqual(['Endpoint ignored these unrecognized parameters: [tll]'])
})

test('rows 23 and 24: who asked, and under which id, is ours to say', async () => {
  const forged = {
    Host: 'evil.example',
    'X-Forwarded-For': '6.6.6.6',
    'X-Forwarded-Host': 'evil.example',
    Forwarded: 'for=6.6.6.6',
    'X-Real-IP': '6.6.6.6',
    'X-Request-Id': '00000000-0000-4000-8000-000000000000',
    'User-Agent': 'forger'
  }
  const { status, json } = await raw('GET', '/v1/auth/token/lookup-self', owner.token, forged)
  expect(status).toBe(200)
  const [asked, answered] = await broker.audit.of('forger')
  expect(json.request_id).not.toBe(forged['X-Request-Id'])
  expect(asked?.request).toMatchObject({ id: json.request_id, remote_address: '127.0.0.1' })
  expect(JSON.stringify([asked, answered])).not.toMatch(/6\.6\.6\.6|evil\.example/)
})

test('a token that is bound to addresses works from these, whatever a header says', async () => {
  const elsewhere = await broker.token({ policies: ['app'], token_bound_cidrs: ['10.0.0.0/8', '::1'] })
  const here = await broker.token({ policies: ['app'], token_bound_cidrs: '127.0.0.0/8' })
  expect((await raw('GET', '/v1/users/creds/app', elsewhere.token, { 'X-Forwarded-For': '10.1.1.1' })).status).toBe(403)
  expect((await raw('GET', '/v1/users/creds/app', here.token, { 'X-Forwarded-For': '10.1.1.1' })).status).toBe(200)
})

describe('the page', () => {
  test.each(['null', 'https://evil.example', `http://127.0.0.1.evil.example`])('row 99: the origin %s is given nothing', async origin => {
    const headers = { Origin: origin, 'Access-Control-Request-Method': 'GET' }
    for (const [method, target] of [
      ['GET', '/v1/auth/token/lookup-self'],
      ['GET', '/v1/sys/health'],
      ['OPTIONS', '/v1/users/creds/app'],
      ['GET', '/v1/sys/nothing'],
      ['GET', '/ui/']
    ] as const)
      expect(
        Object.keys((await raw(method, target, owner.token, headers)).headers).filter(name => name.startsWith('access-control'))
      ).toEqual([])
  })

  test.each(['//evil.example', '\\\\evil.example', 'javascript:alert(1)'])('row 100: nothing leads to %s', async next => {
    for (const target of ['/', '/ui', '/ui/', '/v1/'])
      expect((await raw('GET', `${target}?next=${next}`, '')).headers['location'] ?? '/ui/').toBe('/ui/')
  })

  test('row 101: markup comes back as text of JSON, which no browser reads as a page', async () => {
    const markup = '<script>alert(1)</script>'
    const told = await raw('PUT', '/v1/sys/mounts/x', broker.root.token, {}, JSON.stringify({ type: markup, description: markup }))
    const missing = await raw('GET', '/v1/users/creds/%3Cscript%3E', broker.root.token)
    const policy = await raw('PUT', '/v1/sys/policies/acl/x', broker.root.token, {}, JSON.stringify({ policy: markup }))
    const elsewhere = await raw('GET', '/ui/%3Cscript%3E', '')
    for (const { status, headers } of [told, missing, policy, elsewhere]) {
      expect(status).toBeGreaterThanOrEqual(400)
      expect(headers).toMatchObject({
        'content-type': 'application/json',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff'
      })
    }
  })
})

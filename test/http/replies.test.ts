import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Reply } from '../../src/broker/door/request.ts'
import { BrokerError, Secret, errorStatus } from '../../src/contracts/index.ts'
import type { ErrorCode } from '../../src/contracts/index.ts'
import { serving } from './serving.ts'
import type { Serving } from './serving.ts'

let served: Serving
beforeAll(async () => void (served = await serving()))
afterAll(() => served[Symbol.asyncDispose]())
beforeEach(() => void (served.log.lines.length = 0))

const answered = (reply: Omit<Reply, 'requestId'>, method = 'GET', target = '/v1/a') => {
  served.door.answer = async ({ id }) => ({ requestId: id, ...reply })
  return served.ask(method, target)
}
const failed = (error: unknown, target = '/v1/a') => {
  served.door.answer = async () => {
    throw error
  }
  return served.ask('POST', target)
}

const exact = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  date: expect.stringMatching(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/)
}

test('the envelope has its eight keys, always', async () => {
  const reply = await answered({ status: 200, data: { a: 1 } })
  expect(reply).toMatchObject({ status: 200, headers: exact })
  expect(reply.body.endsWith('}\n')).toBe(true)
  expect(JSON.parse(reply.body)).toEqual({
    request_id: expect.any(String),
    lease_id: '',
    renewable: false,
    lease_duration: 0,
    data: { a: 1 },
    wrap_info: null,
    warnings: null,
    auth: null
  })
})

test('a credential is revealed in the reply, with its lease', async () => {
  const { body } = await answered({
    status: 200,
    lease: { id: 'database/creds/ro/x', renewable: true, seconds: 3_600 },
    data: new Secret({ username: 'u', password: 'p"\u2028' }),
    warnings: ['w']
  })
  expect(JSON.parse(Buffer.from(body, 'latin1').toString())).toMatchObject({
    lease_id: 'database/creds/ro/x',
    renewable: true,
    lease_duration: 3_600,
    data: { username: 'u', password: 'p"\u2028' },
    warnings: ['w']
  })
})

test('a token is revealed in the reply, and its data is null', async () => {
  const auth = {
    client_token: 's.x',
    accessor: 'a',
    policies: ['default'],
    token_policies: ['default'],
    metadata: null,
    lease_duration: 60,
    renewable: true,
    entity_id: '',
    token_type: 'service',
    orphan: true,
    mfa_requirement: null,
    num_uses: 0
  } as const
  expect(JSON.parse((await answered({ status: 200, auth: new Secret(auth) })).body)).toMatchObject({ auth, data: null })
})

test('nothing to say is 204, with the content type all the same', async () => {
  const reply = await answered({ status: 204 }, 'POST')
  expect(reply).toMatchObject({ status: 204, body: '', headers: exact })
  expect(reply.headers).not.toHaveProperty('content-length')
})

test('accepted is 202', async () => {
  expect(await answered({ status: 202, warnings: ['later'] }, 'POST')).toMatchObject({ status: 202 })
})

test('raw bytes go out as they are', async () => {
  expect(await answered({ status: 200, raw: { body: Buffer.from('ssh-ed25519 A'), type: 'text/plain' } })).toMatchObject({
    status: 200,
    headers: { 'content-type': 'text/plain', 'cache-control': 'no-store' },
    body: 'ssh-ed25519 A'
  })
})

test('no reply carries a validator, and none is answered from one', async () => {
  served.door.answer = async ({ id }) => ({ requestId: id, status: 200, data: { a: 1 } })
  const { headers, status } = await served.ask('GET', '/v1/a', {
    'If-None-Match': '*',
    'If-Modified-Since': 'Wed, 25 Nov 2026 12:00:00 GMT'
  })
  expect(status).toBe(200)
  expect(Object.keys(headers).toSorted()).toEqual([
    'cache-control',
    'connection',
    'content-length',
    'content-type',
    'date',
    'keep-alive',
    'x-content-type-options'
  ])
  for (const other of ['/', '/ui', '/x']) expect(Object.keys((await served.ask('GET', other)).headers)).not.toContain('x-powered-by')
})

describe('keys of data stand at the top level too', () => {
  test.each([
    'sys/mounts',
    'sys/mounts/database/tune',
    'sys/auth',
    'sys/auth/token/tune',
    'sys/audit',
    'sys/audit-hash/file',
    'sys/policy',
    'sys/policy/app',
    'sys/capabilities-self',
    'sys/key-status',
    'sys/config/auditing/request-headers/x',
    'sys/rotate/keyring'
  ])('of %s', async path => {
    const body = JSON.parse((await answered({ status: 200, data: { 'x/': 1, data: 2, auth: 3 } }, 'GET', `/v1/${path}`)).body) as Record<
      string,
      unknown
    >
    expect(body).toMatchObject({ 'x/': 1, data: { 'x/': 1, data: 2, auth: 3 }, auth: null })
  })

  test.each([
    'sys/policies/acl',
    'sys/policies/acl/app',
    'sys/leases/lookup/x',
    'sys/internal/ui/mounts',
    'sys/mountsx',
    'sys/capabilities/x',
    'database/sys/mounts'
  ])('not of %s', async path => {
    expect(JSON.parse((await answered({ status: 200, data: { 'x/': 1 } }, 'GET', `/v1/${path}`)).body)).not.toHaveProperty('x/')
  })
})

describe('errors', () => {
  const statuses = Object.entries(errorStatus) as [ErrorCode, number][]

  test.each(statuses)('%s is %i', async (code, status) => {
    const reply = await failed(new BrokerError(code, 'a sentence'))
    expect(reply).toMatchObject({ status, headers: exact })
    expect(Object.keys(JSON.parse(reply.body) as object)).toEqual(['errors'])
  })

  test('a miss has exactly these bytes', async () => {
    expect(await failed(new BrokerError('nothing_there', 'not for the wire'))).toMatchObject({ status: 404, body: '{"errors":[]}\n' })
  })

  test('both spellings of a refusal pass as they are', async () => {
    expect((await failed(new BrokerError('permission_denied', 'permission denied'))).body).toBe('{"errors":["permission denied"]}\n')
    expect((await failed(new BrokerError('permission_denied', '1 error occurred:\n\t* permission denied\n\n'))).body).toBe(
      '{"errors":["1 error occurred:\\n\\t* permission denied\\n\\n"]}\n'
    )
  })

  test('a fault’s cause stays in the log, with the id that the caller may tell', async () => {
    const cause = new Error('password=canary host=10.0.0.1')
    const reply = await failed(new BrokerError('target_unreachable', 'cannot reach the server', { cause }))
    expect(reply).toMatchObject({ status: 500, body: '{"errors":["cannot reach the server"]}\n' })
    expect(served.log.lines).toMatchObject([
      {
        level: 'warn',
        fields: { method: 'POST', path: 'a', status: 500, request_id: expect.stringMatching(/^[0-9a-f-]{36}$/), ms: expect.any(Number) },
        error: { cause }
      }
    ])
  })

  test.each([new TypeError('x is not a function: canary'), 'canary', null, undefined, { code: 'permission_denied', message: 'canary' }])(
    'a bug is an internal error, whatever was thrown (%#)',
    async bug => {
      expect(await failed(bug)).toMatchObject({ status: 500, body: '{"errors":["internal error"]}\n' })
      expect(served.log.lines).toMatchObject([{ level: 'error', fields: { status: 500 }, error: bug }])
    }
  )

  test.each(['store_unreachable', 'audit_unreachable', 'integrity'] as const)('%s says nothing of the inside', async code => {
    expect((await failed(new BrokerError(code, 'the folder /var/lib/canary'))).body).toBe('{"errors":["internal error"]}\n')
  })

  test('below leases, mounts and auth a failing target and a conflict are the caller’s 400', async () => {
    for (const path of ['sys/leases/revoke', 'sys/leases/revoke-prefix/x', 'sys/mounts/database', 'sys/auth/approle'])
      for (const code of ['target_refused', 'target_unreachable', 'target_silent', 'target_rate_limited', 'conflict'] as const)
        expect((await failed(new BrokerError(code, 'a sentence'), `/v1/${path}`)).status).toBe(400)
    expect((await failed(new BrokerError('store_unreachable', ''), '/v1/sys/leases/revoke')).status).toBe(500)
    expect((await failed(new BrokerError('target_refused', ''), '/v1/database/creds/sys/leases/x')).status).toBe(500)
  })

  test('a quota says when to come back', async () => {
    expect((await failed(new BrokerError('quota_exceeded', 'later', { retryAfter: 2.5 }))).headers['retry-after']).toBe('3')
    expect((await failed(new BrokerError('quota_exceeded', 'later'))).headers['retry-after']).toBe('1')
    expect((await failed(new BrokerError('invalid_request', 'no'))).headers).not.toHaveProperty('retry-after')
  })

  test('row 93: what would forge a line stays inside its string', async () => {
    const { body } = await failed(new BrokerError('invalid_request', 'a\n\u2028\u001b[31m","auth":{'))
    expect(body.trimEnd()).not.toContain('\n')
    expect(body).not.toContain('\u001b')
    expect(JSON.parse(Buffer.from(body, 'latin1').toString())).toEqual({ errors: ['a\n\u2028\u001b[31m","auth":{'] })
  })
})

test('a caller that goes away aborts what it asked', async () => {
  const signals: AbortSignal[] = []
  served.door.answer = request => {
    signals.push(request.gone)
    return new Promise(() => undefined)
  }
  const client = served.connect()
  await client.send('GET /v1/a HTTP/1.1\r\nHost: h\r\nX-Vault-Token: t\r\n\r\n'.repeat(3))
  await expect.poll(() => signals.length).toBe(3)
  expect(signals.map(signal => signal.aborted)).toEqual([false, false, false])
  client[Symbol.dispose]()
  await expect.poll(() => signals.map(signal => signal.aborted)).toEqual([true, true, true])
})

import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { chain, chainStart, unchain } from '../../src/audit/chain.ts'
import { describeRequest, requestEntry, responseEntry } from '../../src/audit/entry.ts'
import type { AnsweredFacts, Asked } from '../../src/audit/entry.ts'
import { hash, time } from './written-trail.ts'

const asked: Asked = {
  id: '0192f0c1-5f2a-7c3e-9b1d-2f6b6d0a1c11',
  operation: 'read',
  path: 'database/creds/readonly',
  data: { note: 'a note', ttl: 60 },
  remoteAddress: '10.0.0.1',
  remotePort: 51_234,
  userAgent: 'app/1.0',
  clientToken: 'hvs.canary-token',
  mount: { path: 'database/', type: 'database', accessor: 'database_1a2b3c4d', clearResponseKeys: ['username'] },
  auth: {
    accessor: 'canary-accessor',
    displayName: 'token-app',
    policies: ['default', 'app'],
    metadata: { team: 'blue' },
    entityId: 'entity-1',
    tokenType: 'service',
    tokenTtl: 2_764_800,
    tokenIssueTime: '2026-11-25T09:00:00Z',
    uses: 5,
    decision: { allowed: true, policies: ['app'], rule: 'database/creds/*' }
  }
}

const answered: AnsweredFacts = {
  leaseId: 'database/creds/readonly/PcMyBdsvGGWdgK8x0hCJbC2r',
  data: { username: 'v-app-1', password: 'canary-password' },
  issued: { username: 'v-app-1', role: 'readonly', target: 'pg-1', guarantees: { revocable: 'at once', endsSessions: true, notes: [] } },
  warnings: ['the token ends first']
}

const request = (facts: Asked) => requestEntry(time, describeRequest(facts, hash))
const response = (facts: Asked, more: AnsweredFacts) => responseEntry(time, describeRequest(facts, hash), more, hash)

test('a request has the shape that readers of the API know', () => {
  const entry = request(asked)
  expect(entry.startsWith('{"time":"2026-11-25T10:00:00.123Z","type":"request",')).toBe(true)
  expect(JSON.parse(entry)).toEqual({
    time,
    type: 'request',
    auth: {
      client_token: hash('hvs.canary-token'),
      accessor: hash('canary-accessor'),
      display_name: 'token-app',
      policies: ['default', 'app'],
      token_policies: ['default', 'app'],
      policy_results: { allowed: true, granting_policies: [{ name: 'app', namespace_id: 'root', type: 'acl' }] },
      metadata: { team: 'blue' },
      num_uses: 5,
      entity_id: 'entity-1',
      token_type: 'service',
      token_ttl: 2_764_800,
      token_issue_time: '2026-11-25T09:00:00Z'
    },
    request: {
      id: asked.id,
      operation: 'read',
      mount_point: 'database/',
      mount_type: 'database',
      mount_accessor: 'database_1a2b3c4d',
      client_token: hash('hvs.canary-token'),
      client_token_accessor: hash('canary-accessor'),
      namespace: { id: 'root' },
      path: 'database/creds/readonly',
      data: { note: hash('a note'), ttl: 60 },
      remote_address: '10.0.0.1',
      remote_port: 51_234,
      headers: { 'user-agent': ['app/1.0'] }
    }
  })
})

test('a response repeats the request and adds lease, hashed data, and in clear what must be readable later', () => {
  const { request: again, auth, ...rest } = JSON.parse(response(asked, answered)) as Record<string, unknown>
  expect({ auth, request: again }).toEqual(
    (({ auth, request }) => ({ auth, request }))(JSON.parse(request(asked)) as Record<string, unknown>)
  )
  expect(rest).toEqual({
    time,
    type: 'response',
    response: {
      mount_point: 'database/',
      mount_type: 'database',
      mount_accessor: 'database_1a2b3c4d',
      secret: { lease_id: answered.leaseId },
      data: { username: 'v-app-1', password: hash('canary-password') },
      issued: answered.issued,
      warnings: ['the token ends first']
    }
  })
})

test('what is empty is left out', () => {
  const bare = { id: 'x', operation: 'update', path: 'sys/seal', data: {}, remoteAddress: '', remotePort: 0 }
  expect(JSON.parse(request(bare))).toEqual({
    time,
    type: 'request',
    request: { id: 'x', operation: 'update', namespace: { id: 'root' }, path: 'sys/seal' }
  })
  expect(JSON.parse(response(bare, {}))).toEqual({ ...(JSON.parse(request(bare)) as object), type: 'response' })
})

test('a refusal says why, to the reader of the trail', () => {
  const refused = {
    ...asked,
    auth: { policies: ['app'], decision: { allowed: false, policies: ['app'], reason: 'the rule denies', rule: 'database/*' } }
  }
  const entry = JSON.parse(response(refused, { error: 'permission denied' })) as { error: string; auth: { policy_results: unknown } }
  expect(entry.error).toBe('permission denied')
  expect(entry.auth.policy_results).toEqual({
    allowed: false,
    reason: 'the rule denies',
    rule: 'database/*',
    refusing_policies: [{ name: 'app', namespace_id: 'root', type: 'acl' }]
  })
})

test('a token that was issued is hashed with its accessor', () => {
  const auth = { clientToken: 'hvs.canary-new', accessor: 'canary-new-accessor', policies: ['app'], tokenType: 'service', tokenTtl: 60 }
  const entry = response(asked, { auth })
  expect(entry).not.toContain('canary')
  expect((JSON.parse(entry) as { response: { auth: unknown } }).response.auth).toEqual({
    client_token: hash('hvs.canary-new'),
    accessor: hash('canary-new-accessor'),
    policies: ['app'],
    token_policies: ['app'],
    token_type: 'service',
    token_ttl: 60
  })
})

test('no canary shows from any place where a caller can put a secret', () => {
  const everywhere = {
    text: 'canary',
    number: 8_123_456_789,
    list: ['canary', 8_123_456_789],
    nested: { deeper: { password: 'canary', pin: 8_123_456_789 } },
    bytes: Buffer.from('canary')
  }
  const entry = response(
    { ...asked, data: everywhere, clientToken: 'canary-header' },
    { data: everywhere, auth: { clientToken: 'canary', accessor: 'canary', policies: [] } }
  )
  expect(entry).not.toMatch(/canary|8123456789|Y2FuYXJ5/)
})

test('nothing that a caller sends makes a second line, a second field or a control character (row 93)', () => {
  const hostile = fc.oneof(
    fc.constantFrom(
      '\n{"time":"x","type":"checkpoint"}',
      '\u2028',
      '\u2029',
      '\u001b[31m',
      '","auth":{"display_name":"root"},"x":"',
      '\u202eevil',
      '\0',
      '\ud800',
      '\\',
      '\\"',
      '\r\n'
    ),
    fc.string({ unit: 'binary' })
  )
  fc.assert(
    fc.property(fc.array(hostile, { minLength: 12, maxLength: 12 }), text => {
      const at = (index: number): string => text[index]!
      const facts: Asked = {
        id: at(0),
        operation: at(1),
        path: at(2),
        data: { [at(3)]: at(4) },
        remoteAddress: at(5),
        remotePort: 1,
        userAgent: at(6),
        mount: { path: at(7), type: at(8), accessor: 'x', clearRequestKeys: [at(3)] },
        auth: { displayName: at(9), policies: [at(10)], metadata: { [at(11)]: at(0) }, decision: { allowed: true, policies: [at(1)] } }
      }
      const body = response(facts, { error: at(2), warnings: [at(3)], issued: { [at(4)]: at(5) }, leaseId: at(6) })
      expect(body).toMatch(/^[\x20-\x7e]+$/)
      const entry = JSON.parse(body) as { type: string; auth: Record<string, unknown>; request: Record<string, unknown>; error?: string }
      expect(Object.keys(entry).toSorted()).toEqual(
        ['auth', 'error', 'request', 'response', 'time', 'type'].filter(key => key !== 'error' || at(2) !== '')
      )
      expect(entry.type).toBe('response')
      expect(entry.request['path'] ?? '').toBe(at(2))
      expect(entry.auth['display_name'] ?? '').toBe(at(9))
      const { line } = chain('node', chainStart, body)
      expect(unchain(line)?.body).toBe(body)
    })
  )
})

test('a long text in clear is clipped', () => {
  const entry = request({ ...asked, path: 'x'.repeat(100_000), userAgent: 'y'.repeat(100_000) })
  expect(entry.length).toBeLessThan(12_000)
  expect((JSON.parse(entry) as { request: { path: string } }).request.path).toMatch(/^x{4032} \(95968 more characters\)$/)
})

test('a value that the entry has elsewhere is hashed once, and what is secret is not remembered', () => {
  const hashed: string[] = []
  const counting = (value: string) => {
    hashed.push(value)
    return hash(value)
  }
  const lookup = {
    id: 'hvs.canary-token',
    accessor: 'canary-accessor',
    display_name: 'token-app',
    policies: ['default', 'app'],
    type: 'service',
    secret: 'canary'
  }
  const look = () =>
    JSON.parse(responseEntry(time, describeRequest({ ...asked, data: {} }, counting), { data: lookup }, counting)) as {
      response: { data: unknown }
    }
  expect(look().response.data).toEqual({
    id: hash('hvs.canary-token'),
    accessor: hash('canary-accessor'),
    display_name: hash('token-app'),
    policies: [hash('default'), hash('app')],
    type: hash('service'),
    secret: hash('canary')
  })
  hashed.length = 0
  look()
  expect(hashed).toEqual(['hvs.canary-token', 'canary-accessor', 'canary'])
})

test('however many names pass by, each is hashed right', () => {
  for (let at = 0; at < 3_000; at++) {
    const described = describeRequest({ ...asked, auth: { policies: [], displayName: `name-${at}` } }, hash)
    expect(responseEntry(time, described, { data: { name: `name-${at}` } }, hash)).toContain(hash(`name-${at}`))
  }
})

/** Hostile texts in every place that a caller can fill: never the broker's own fault, never a hang, never a word too much. */
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { database } from '../../plugins/database/index.ts'
import { BrokerError, parseDuration } from '../../src/contracts/index.ts'
import { smallBroker } from '../broker/small-broker.ts'
import { RawClient, bytes } from '../http/raw-client.ts'
import { brokerUnderAttack } from './broker-under-attack.ts'
import type { BrokerUnderAttack } from './broker-under-attack.ts'
import { hostileText, hostileValue } from './hostile.ts'

const hangMs = 8_000
const runs = { numRuns: 400, interruptAfterTimeLimit: 12_000, markInterruptAsFailure: false }

let broker: BrokerUnderAttack
/** A token that may do everything but what would end the test. */
let token: string
let writes: readonly { readonly path: string; readonly fields: readonly string[] }[]

beforeAll(async () => {
  broker = await brokerUnderAttack()
  await broker.root.must('POST', 'sys/mounts/database', { type: 'database' })
  await broker.root.must('PUT', 'sys/policies/acl/all', {
    policy: 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }'
  })
  token = (await broker.token({ policies: ['all'], ttl: '4h' })).token
  writes = await writableRoutes()
})
afterAll(() => broker[Symbol.asyncDispose]())

/** From the tables by which a broker routes. */
async function writableRoutes() {
  await using small = await smallBroker({ backends: [database] })
  for (const type of ['users', 'database']) await small.ask('write', `sys/mounts/${type}`, { type: type === 'users' ? 'memory' : type })
  const mounts = small.life.parts()?.mounts.all ?? []
  return mounts.flatMap(mount =>
    mount.kind === 'broken'
      ? []
      : mount.router.rows
          .filter(row => row.write && row.pattern !== 'seal' && row.pattern !== 'revoke-self')
          .map(row => ({ path: mount.record.path + row.pattern.replaceAll(/[:*]\w+/g, 'fuzz'), fields: Object.keys(row.fields.shape) }))
  )
}

/** The status, or 0 where the connection was closed without a reply. */
async function send(
  text: string | Buffer,
  { ends = false, bodyless = false } = {}
): Promise<{ readonly status: number; readonly body: string }> {
  using client = RawClient.plain(broker.port)
  await client.send(text)
  // What is no whole request would be waited for.
  if (ends) client.socket.end()
  const hang = AbortSignal.timeout(hangMs)
  hang.addEventListener('abort', () => client[Symbol.dispose]())
  const reply = await client.reply(bodyless)
  if (hang.aborted) throw new Error('no reply in time')
  return { status: reply?.status ?? 0, body: reply?.body ?? '' }
}

const prefixes = [
  ' users/roles/ users/creds/ users/ database/roles/ database/config/ database/creds/ auth/token/ auth/ cubbyhole/ sys/ sys/mounts/ sys/auth/',
  'sys/policies/acl/ sys/policy/ sys/audit-hash/ sys/tools/hash/ sys/internal/ui/mounts/ sys/leases/lookup/ sys/leases/renew/ sys/leases/',
  'sys/leases/revoke-prefix/ sys/leases/revoke-force/'
].flatMap(line => line.split(' '))
const methods = ['GET', 'LIST', 'PUT', 'POST', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'SCAN']
const answered = [200, 202, 204, 400, 403, 404, 405, 415]

test('paths, raw and encoded, by every method', async () => {
  const target = fc.tuple(fc.constantFrom(...prefixes), hostileText, fc.boolean())
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...methods), target, async (method, [prefix, text, encoded]) => {
      const rest = encoded ? encodeURIComponent(text.toWellFormed()) : Buffer.from(text).toString('latin1')
      const { status } = await send(
        bytes(method, `/v1/${prefix}${rest}`, { 'X-Vault-Token': token }, method === 'GET' ? undefined : '{}'),
        { bodyless: method === 'HEAD' }
      )
      // What breaks the request line may be answered in any way that refuses it.
      expect([...answered, 0]).toContain(status)
    }),
    runs
  )
})

test('queries', async () => {
  const paths = [
    'sys/holdings',
    'users/roles',
    'database/roles',
    'auth/token/accessors',
    'sys/leases',
    'sys/health',
    'sys/leases/lookup/users',
    'users/creds/app'
  ]
  const names = [
    'list',
    'scan',
    'help',
    'limit',
    'after',
    'type',
    'standbyok',
    'activecode',
    'mount',
    'role',
    'ended',
    'accessor',
    '__proto__'
  ]
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...paths),
      fc.array(fc.tuple(fc.constantFrom(...names), hostileText), { maxLength: 4 }),
      async (path, pairs) => {
        const query = pairs.map(([name, value]) => `${name}=${encodeURIComponent(value.toWellFormed())}`).join('&')
        const { status } = await send(bytes('GET', `/v1/${path}?${query}`, { 'X-Vault-Token': token }))
        // Of its health a caller chooses the code.
        if (path !== 'sys/health') expect(answered).toContain(status)
        else expect(status).toBeGreaterThanOrEqual(200)
      }
    ),
    runs
  )
})

test('every field of every route', async () => {
  const request = fc.nat().chain(n => {
    const { path, fields } = writes[n % writes.length]!
    const names = fields.length === 0 ? hostileText : fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...fields) }, hostileText)
    return fc.tuple(fc.constant(path), fc.dictionary(names, hostileValue, { maxKeys: 5 }))
  })
  await fc.assert(
    fc.asyncProperty(request, async ([path, fields]) => {
      const { status, body } = await send(
        bytes('POST', `/v1/${path}`, { 'X-Vault-Token': token }, Buffer.from(JSON.stringify(fields)).toString('latin1'))
      )
      expect(`${status} ${body}`).toMatch(/^(200|202|204|400|403|404|405) /)
    }),
    { ...runs, numRuns: 1_500, interruptAfterTimeLimit: 20_000 }
  )
}, 40_000)

test('bodies that are nearly JSON', async () => {
  const nearly = fc
    .tuple(fc.json(), fc.nat(), hostileText)
    .map(([json, at, text]) => json.slice(0, at % (json.length + 1)) + text + json.slice(at % (json.length + 1)))
  await fc.assert(
    fc.asyncProperty(
      nearly,
      fc.constantFrom('', 'application/json', 'application/x-www-form-urlencoded', 'text/html'),
      async (body, type) => {
        const headers = { 'X-Vault-Token': token, 'Content-Type': type }
        const { status } = await send(bytes('PUT', '/v1/sys/leases/renew', headers, Buffer.from(body).toString('latin1')))
        expect([400, 403]).toContain(status)
      }
    ),
    runs
  )
})

test('tokens', async () => {
  const before = await broker.state()
  const headers = fc.constantFrom('X-Vault-Token', 'Authorization', 'X-Vault-Namespace', 'X-Vault-Wrap-TTL', 'Content-Type', 'Cookie')
  await fc.assert(
    fc.asyncProperty(headers, hostileText, async (name, text) => {
      const value = Buffer.from(name === 'Authorization' ? `Bearer ${text}` : text).toString('latin1')
      // A line break makes headers of its own, the token of which is none either; some such requests have no end.
      const { status } = await send(bytes('GET', '/v1/users/creds/app', { 'X-Vault-Token': '', [name]: value }), { ends: true })
      expect([400, 403, 404, 413, 415, 431, 0]).toContain(status)
    }),
    runs
  )
  expect(await broker.state()).toEqual(before)
})

test('durations are read by one grammar, and never end later than they may', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(hostileText, fc.stringMatching(/^[0-9]{1,12}(\.[0-9]{1,3})?(ns|us|ms|s|m|h|d)?$/)), async increment => {
      const { status, body } = await send(
        bytes(
          'POST',
          '/v1/auth/token/renew-self',
          { 'X-Vault-Token': token },
          Buffer.from(JSON.stringify({ increment })).toString('latin1')
        )
      )
      expect(status).toBe(isDuration(increment.toWellFormed()) ? 200 : 400)
      if (status === 200) expect(JSON.parse(body).auth.lease_duration).toBeLessThanOrEqual(2_764_800)
      // Back to a long life, or the next ones find no token.
      await send(bytes('POST', '/v1/auth/token/renew-self', { 'X-Vault-Token': token }, '{"increment":"4h"}'))
    }),
    runs
  )
})

function isDuration(text: string): boolean {
  try {
    parseDuration(text)
    return true
  } catch (error) {
    return !(error instanceof BrokerError)
  }
}

test('bytes that are hardly HTTP', async () => {
  const good = Buffer.from(bytes('PUT', '/v1/sys/leases/renew', { 'X-Vault-Token': 'none' }, '{"lease_id":"x"}'))
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length), fc.nat(20), fc.oneof(fc.uint8Array({ maxLength: 12 }), hostileText), async (at, gone, put) => {
      const { status } = await send(Buffer.concat([good.subarray(0, at), Buffer.from(put as string), good.subarray(at + gone)]), {
        ends: true
      })
      expect(status).toBeLessThan(500)
    }),
    runs
  )
})

test('after all that the broker is as well as before', async () => {
  expect((await broker.root.ask('GET', 'sys/health')).status).toBe(200)
  expect((await broker.root.ask('GET', 'users/creds/app')).status).toBe(200)
  expect(broker.child.output).not.toContain('met a bug')
  expect(broker.child.output).not.toContain('"status":500')
})

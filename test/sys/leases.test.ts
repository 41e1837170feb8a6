import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/contracts/index.ts'
import { openBroker, text } from './open-broker.ts'
import type { Answer, TestBroker } from './open-broker.ts'

let broker: TestBroker
let folder: string
/** May issue at `m/` and has `default`. */
let app: string

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mayfly-leases-'))
  broker = await openBroker()
  await broker.ask('write', 'sys/mounts/m', { type: 'memory' })
  await broker.ask('write', 'm/config', { path: join(folder, 'users.db') })
  await broker.ask('write', 'm/roles/app', { default_ttl: '1h', max_ttl: '4h' })
  await policy('app', { 'm/creds/*': ['read'] })
  app = await broker.token({ policies: ['app', 'default'] })
})
afterEach(async () => {
  await broker[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

const policy = (name: string, paths: Readonly<Record<string, readonly string[]>>) =>
  broker.ask('write', `sys/policies/acl/${name}`, {
    policy: JSON.stringify({ path: Object.fromEntries(Object.entries(paths).map(([path, capabilities]) => [path, { capabilities }])) })
  })

async function issue(token = app): Promise<string> {
  const { lease, error } = await broker.ask('read', 'm/creds/app', {}, { token })
  if (!lease) throw new Error(error)
  return lease.id
}

/** Lets the clock run until the broker has answered. */
async function meanwhile(answer: Promise<Answer>): Promise<Answer> {
  const waiting = { done: false }
  const ended = answer.finally(() => (waiting.done = true))
  while (!waiting.done) await broker.clock.advance(100)
  return ended
}

const revoke = (data: JsonObject, token?: string) =>
  meanwhile(broker.ask('write', 'sys/leases/revoke', data, token === undefined ? {} : { token }))
const fault = (name: string, effect = 'revoke') => broker.ask('write', 'm/faults', { effect, fault: name })

describe('lookup', () => {
  test('tells the wire’s fields and who holds what', async () => {
    const id = await issue()
    await broker.clock.advance('PT59S')
    const { data } = await broker.ask('write', 'sys/leases/lookup', { lease_id: id })
    expect(data).toMatchObject({
      id,
      issue_time: expect.any(String),
      expire_time: expect.any(String),
      last_renewal: null,
      renewable: true,
      ttl: 3_541,
      path: 'm/creds/app',
      state: 'active',
      mount: 'm/',
      role: 'app',
      visible: { username: expect.stringMatching(/^m-app-/) },
      display_name: 'token',
      remote_address: '127.0.0.1',
      guarantees: { revocable: 'at once', endsSessions: true },
      cause: null
    })
    expect(JSON.stringify(data)).not.toContain('password')
  })

  test.each<[JsonObject, string]>([
    [{}, 'lease_id must be specified'],
    [{ lease_id: 'm/creds/app/unknown' }, 'invalid lease']
  ])('%j: 400 %s', async (data, error) => {
    expect(await broker.ask('write', 'sys/leases/lookup', data)).toMatchObject({ status: 400, error })
  })
})

describe('knowing an id gives no right', () => {
  test.each(['lookup', 'renew', 'revoke'])('%s of one’s own lease by `default`; of a stranger’s 403, and it is untouched', async verb => {
    const stranger = await broker.token({ policies: ['app', 'default'] })
    const id = await issue()
    const path = `sys/leases/${verb}`
    expect(await broker.ask('write', path, { lease_id: id }, { token: stranger })).toMatchObject({
      status: 403,
      error: '1 error occurred:\n\t* permission denied\n\n'
    })
    expect((await broker.ask('write', `${path}/${id}`, {}, { token: stranger })).status).toBe(403)
    expect((await broker.ask('write', 'sys/leases/lookup', { lease_id: id }, { token: app })).data).toMatchObject({
      state: 'active',
      last_renewal: null,
      cause: null
    })
    const own = await meanwhile(broker.ask('write', path, { lease_id: id }, { token: app }))
    expect(own.status).toBe(verb === 'revoke' ? 204 : 200)
  })

  test('a rule that names the lease’s path opens it, also when the id comes in the body', async () => {
    await policy('clerk', { 'sys/leases/lookup': ['update'], 'sys/leases/lookup/m/creds/app/*': ['update'] })
    const clerk = await broker.token({ policies: ['clerk'] })
    const id = await issue()
    expect((await broker.ask('write', 'sys/leases/lookup', { lease_id: id }, { token: clerk })).status).toBe(200)
    expect((await broker.ask('write', 'sys/leases/revoke', { lease_id: id }, { token: clerk })).status).toBe(403)
  })

  test('a stranger cannot tell a lease that is there from one that is not', async () => {
    const stranger = await broker.token({ policies: ['default'] })
    const there = await broker.ask('write', 'sys/leases/lookup', { lease_id: await issue() }, { token: stranger })
    const absent = await broker.ask('write', 'sys/leases/lookup', { lease_id: 'm/creds/app/nothing' }, { token: stranger })
    expect(absent).toEqual(there)
  })
})

describe('renew', () => {
  test('counts from now and is capped by the role’s maximum', async () => {
    const id = await issue()
    await broker.clock.advance('PT30M')
    const renewed = await broker.ask('write', `sys/leases/renew/${id}`, { increment: '10m' })
    expect(renewed).toMatchObject({ status: 200, data: undefined, lease: { id, renewable: true, seconds: 600 } })
    const capped = await broker.ask('write', 'sys/leases/renew', { lease_id: id, increment: '10h' })
    expect(capped.lease?.seconds).toBe(12_600)
    expect(capped.warnings).toEqual(['TTL of "10h" exceeded the effective max_ttl of "3h30m"; TTL value is capped accordingly'])
  })

  test.each<[JsonObject, string]>([
    [{}, 'lease_id must be specified'],
    [{ lease_id: 'm/creds/app/unknown' }, 'lease not found'],
    [
      { lease_id: 'x', increment: -1 },
      'Field validation failed: increment: not a duration: expected seconds, or text such as "1h30m", "90s", "2d"'
    ]
  ])('%j: 400 %s', async (data, error) => {
    expect(await broker.ask('write', 'sys/leases/renew', data)).toMatchObject({ status: 400, error })
  })

  test('two ids that differ are refused', async () => {
    const [one, other] = [await issue(), await issue()]
    for (const verb of ['renew', 'revoke'])
      expect(await broker.ask('write', `sys/leases/${verb}/${one}`, { lease_id: other })).toMatchObject({ status: 400 })
    expect((await broker.ask('write', `sys/leases/renew/${one}`, { lease_id: one })).status).toBe(200)
  })

  test('after a revocation there is nothing to renew', async () => {
    const id = await issue()
    await revoke({ lease_id: id })
    expect(await broker.ask('write', 'sys/leases/renew', { lease_id: id })).toMatchObject({ status: 400, error: 'lease not found' })
  })
})

describe('revoke', () => {
  test('204, and the next list is without it', async () => {
    const id = await issue()
    expect((await revoke({ lease_id: id })).status).toBe(204)
    expect((await broker.ask('list', 'sys/leases/lookup/m/creds/app')).status).toBe(404)
    expect(await broker.ask('write', 'sys/leases/lookup', { lease_id: id })).toMatchObject({ status: 400, error: 'invalid lease' })
  })

  test('an unknown one is 204, none at all 400', async () => {
    expect((await revoke({ lease_id: 'm/creds/app/unknown' })).status).toBe(204)
    expect((await revoke({})).status).toBe(400)
  })

  test('sync: false answers 202 at once', async () => {
    const id = await issue()
    expect((await broker.ask('write', `sys/leases/revoke/${id}`, { sync: false })).status).toBe(202)
    await broker.clock.advance('PT2S')
    expect((await broker.ask('write', 'sys/leases/lookup', { lease_id: id })).status).toBe(400)
  })

  test('a target that fails is 400, and the sweeper goes on', async () => {
    const id = await issue()
    await fault('fail_before')
    expect(await revoke({ lease_id: id })).toMatchObject({ status: 400, error: expect.stringMatching(/^failed to revoke entry: /) })
    expect((await broker.ask('write', 'sys/leases/lookup', { lease_id: id })).data).toMatchObject({
      state: 'revoking',
      cause: 'manual',
      renewable: false
    })
    await fault('none')
    await broker.clock.advance('PT2M')
    expect((await broker.ask('write', 'sys/leases/lookup', { lease_id: id })).status).toBe(400)
  })

  test('a prefix ends all below it and nothing beside', async () => {
    await broker.ask('write', 'm/roles/app2', { default_ttl: '1h' })
    const ids = [await issue(), await issue()]
    const beside = (await broker.ask('read', 'm/creds/app2', {}, { token: app })).lease!.id
    expect((await meanwhile(broker.ask('write', 'sys/leases/revoke-prefix/m/creds/app'))).status).toBe(204)
    for (const id of ids) expect((await broker.ask('write', 'sys/leases/lookup', { lease_id: id })).status).toBe(400)
    expect((await broker.ask('write', 'sys/leases/lookup', { lease_id: beside })).status).toBe(200)
  })

  test.each(['revoke-prefix', 'revoke-force'])('%s with a complete id is that lease alone', async verb => {
    const [one, other] = [await issue(), await issue()]
    expect((await meanwhile(broker.ask('write', `sys/leases/${verb}/${one}`))).status).toBe(204)
    expect((await broker.ask('write', 'sys/leases/lookup', { lease_id: one })).status).toBe(400)
    expect((await broker.ask('write', 'sys/leases/lookup', { lease_id: other })).status).toBe(200)
  })

  test.each(['revoke-prefix', 'revoke-force'])('%s without a prefix is not everything', async verb => {
    const id = await issue()
    expect(await meanwhile(broker.ask('write', `sys/leases/${verb}`))).toMatchObject({ status: 400, error: 'prefix must be specified' })
    expect((await broker.ask('write', 'sys/leases/lookup', { lease_id: id })).data).toMatchObject({ state: 'active' })
  })

  test('force gives up on a target that never answers; history and reconciler still know', async () => {
    const id = await issue()
    await fault('fail_before')
    expect((await meanwhile(broker.ask('write', 'sys/leases/revoke-force/m'))).status).toBe(204)
    expect((await broker.ask('list', 'sys/leases/lookup/m/creds/app')).status).toBe(404)
    const { data } = await broker.ask('read', 'sys/holdings', { ended: true })
    expect(data!['holdings']).toMatchObject([{ id, state: 'revoked', revoked_time: null, forced_by: 'root' }])
  })

  test('disabling a mount ends its leases; while the target is away it stays', async () => {
    const id = await issue()
    await fault('fail_before')
    expect(await meanwhile(broker.ask('delete', 'sys/mounts/m'))).toMatchObject({ status: 400, error: expect.stringContaining('1 lease') })
    expect((await broker.ask('read', 'sys/mounts/m')).data).toMatchObject({ ending: true })
    expect((await broker.ask('read', 'm/creds/app', {}, { token: app })).status).toBeGreaterThanOrEqual(400)
    await fault('none')
    await broker.clock.advance('PT2M')
    expect((await meanwhile(broker.ask('delete', 'sys/mounts/m'))).status).toBe(204)
    expect((await broker.ask('read', 'sys/holdings', { ended: true })).data!['holdings']).toMatchObject([
      { id, state: 'revoked', cause: 'mount-disabled' }
    ])
  })

  test('leases end with their token', async () => {
    const id = await issue()
    await broker.ask('write', 'auth/token/revoke', { token: app })
    await broker.clock.advance('PT2S')
    expect((await broker.ask('read', 'sys/holdings', { ended: true })).data!['holdings']).toMatchObject([
      { id, state: 'revoked', cause: 'token-revoked' }
    ])
  })
})

const page = async (data: JsonObject) => (await broker.ask('list', 'sys/leases/lookup/m/creds/app', data)).data?.['keys']

describe('lists', () => {
  test('level by level, with a slash for what lies deeper', async () => {
    const id = await issue()
    const keys = async (prefix: string) => (await broker.ask('list', `sys/leases/lookup${prefix}`)).data?.['keys']
    expect(await keys('')).toEqual(['m/'])
    expect(await keys('/m')).toEqual(['creds/'])
    expect(await keys('/m/creds')).toEqual(['app/'])
    expect(await keys('/m/creds/app')).toEqual([id.slice('m/creds/app/'.length)])
    expect((await broker.ask('list', 'sys/leases/lookup/m/creds/ap')).status).toBe(404)
  })

  test('want sudo', async () => {
    await policy('lister', { 'sys/leases/lookup/*': ['list'] })
    const token = await broker.token({ policies: ['lister'] })
    expect((await broker.ask('list', 'sys/leases/lookup/m', {}, { token })).status).toBe(403)
  })

  test('page by after and limit', async () => {
    const ids = [await issue(), await issue(), await issue()].map(id => id.slice('m/creds/app/'.length)).toSorted()
    expect(await page({ limit: 2 })).toEqual(ids.slice(0, 2))
    expect(await page({ limit: 2, after: ids[1]! })).toEqual(ids.slice(2))
  })
})

describe('stuck leases', () => {
  test('are counted and listed with their error, and leave when they are gone', async () => {
    const id = await issue()
    expect((await broker.ask('read', 'sys/leases/count', { type: 'irrevocable' })).data).toEqual({ lease_count: 0, counts: {} })
    await fault('fail_before')
    await broker.ask('write', `sys/leases/revoke/${id}`, { sync: false })
    await broker.clock.advance('PT3M')
    const accessor = text((await broker.ask('read', 'sys/mounts/m')).data!['accessor'])
    expect((await broker.ask('read', 'sys/leases/count', { type: 'irrevocable' })).data).toEqual({
      lease_count: 1,
      counts: { [accessor]: 1 }
    })
    const { data } = await broker.ask('read', 'sys/leases', { type: 'irrevocable', limit: 'none' })
    expect(data).toEqual({ lease_count: 1, leases: [{ lease_id: id, mount_id: accessor, error: expect.stringMatching(/./) }] })
    await fault('none')
    await broker.clock.advance('PT2M')
    expect((await broker.ask('read', 'sys/leases/count', { type: 'irrevocable' })).data).toEqual({ lease_count: 0, counts: {} })
  })

  test.each(['sys/leases', 'sys/leases/count'])('%s knows no other type', async path => {
    expect((await broker.ask('read', path, {})).status).toBe(404)
    expect((await broker.ask('read', path, { type: 'expired' })).status).toBe(404)
  })

  test.each(['-1', '0', 'many', '1e3'])('limit %s: 400', async limit => {
    expect((await broker.ask('read', 'sys/leases', { type: 'irrevocable', limit })).status).toBe(400)
  })
})

describe('holdings', () => {
  test('by holder, by role, by mount, page by page', async () => {
    const other = await broker.token({ policies: ['app'], display_name: 'ci' })
    const ids = [await issue(), await issue(other), await issue(other)]
    const held = async (data: JsonObject) =>
      ((await broker.ask('read', 'sys/holdings', data)).data!['holdings'] as readonly { id: string }[]).map(({ id }) => id)
    expect(await held({})).toEqual(ids)
    expect(await held({ display_name: 'token-ci' })).toEqual(ids.slice(1))
    expect(await held({ mount: 'm/', role: 'app' })).toEqual(ids)
    expect(await held({ role: 'other' })).toEqual([])
    const { data } = await broker.ask('read', 'sys/holdings', { limit: 2 })
    expect(data).toMatchObject({ next: ids[1] })
    expect(await held({ after: text(data!['next']) })).toEqual(ids.slice(2))
  })

  test('what was held is history', async () => {
    const id = await issue()
    await revoke({ lease_id: id })
    expect((await broker.ask('read', 'sys/holdings')).data).toEqual({ holdings: [], next: null })
    expect((await broker.ask('read', 'sys/holdings', { ended: 'true' })).data!['holdings']).toMatchObject([
      { id, state: 'revoked', cause: 'manual', ended_time: expect.any(String), revoked_time: expect.any(String) }
    ])
  })

  test('a misspelled filter is an error, not another question', async () => {
    expect(await broker.ask('read', 'sys/holdings', { acessor: 'x' })).toMatchObject({ status: 400, error: 'unknown field: acessor' })
    expect((await broker.ask('read', 'sys/holdings', { mount: 'nowhere' })).status).toBe(400)
  })
})

describe('reconcile', () => {
  test('reports what a target holds without a lease', async () => {
    const id = await issue()
    await fault('fail_before')
    await meanwhile(broker.ask('write', `sys/leases/revoke-force/${id}`))
    const { data } = await meanwhile(broker.ask('write', 'sys/reconcile'))
    expect(data).toMatchObject({ targets: [{ mount: 'm/', listed: 1 }] })
    expect((await broker.ask('read', 'sys/reconcile')).data).toEqual(data)
  })
})

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/contracts/index.ts'
import { openBroker } from './open-broker.ts'
import type { TestBroker } from './open-broker.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await openBroker()
})
afterAll(() => broker[Symbol.asyncDispose]())

const enable = (path: string, fields: JsonObject = {}) => broker.ask('write', `sys/mounts/${path}`, { type: 'memory', ...fields })

describe('enabling', () => {
  test('a mount serves its first request in the next millisecond', async () => {
    expect((await enable('first', { description: 'for a test', config: { default_lease_ttl: '1h' }, options: { a: 1 } })).status).toBe(204)
    expect((await broker.ask('list', 'first/roles')).status).toBe(404)
    expect((await broker.ask('write', 'first/roles/app', { default_ttl: '5m' })).status).toBe(204)
    const entry = {
      accessor: expect.stringMatching(/^memory_[0-9a-f]{8}$/),
      type: 'memory',
      description: 'for a test',
      local: false,
      seal_wrap: false,
      external_entropy_access: false,
      options: { a: '1' },
      uuid: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
      plugin_version: '',
      running_plugin_version: expect.any(String),
      running_sha256: '',
      config: { default_lease_ttl: 3_600, max_lease_ttl: 0, force_no_cache: false }
    }
    expect((await broker.ask('read', 'sys/mounts/first')).data).toEqual(entry)
    const { data } = await broker.ask('read', 'sys/mounts')
    expect(data).toMatchObject({ 'first/': entry, 'sys/': { type: 'system', options: null } })
    expect(Object.keys(data!).filter(path => path.startsWith('auth/'))).toEqual([])
  })

  test('several of one type, with their own rows', async () => {
    await enable('one')
    await enable('deep/er/two')
    await broker.ask('write', 'one/roles/app', { default_ttl: '5m' })
    expect((await broker.ask('read', 'deep/er/two/roles/app')).status).toBe(404)
    expect((await broker.ask('read', 'one/roles/app')).data).toMatchObject({ default_ttl: 300 })
  })

  test.each([
    ['taken', 'taken/'],
    ['taken/below', 'taken/'],
    ['nested', 'nested/er/'],
    ['nested/er', 'nested/er/']
  ])('%s is in use by %s', async (path, other) => {
    await enable('taken')
    await enable('nested/er')
    expect(await enable(path)).toMatchObject({ status: 400, error: `path is already in use at ${other}` })
  })

  test('mounts that race never lie inside each other, and those that do not meet all come to be', async () => {
    const meet = await Promise.all(['race', 'race/a', 'race/a/b', 'race'].map(path => enable(path)))
    expect(meet.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([204, 400, 400, 400])
    for (const { status, error } of meet) if (status === 400) expect(error).toContain('path is already in use at race/')
    const apart = await Promise.all(Array.from({ length: 8 }, (_, i) => enable(`apart/${i}`)))
    expect(apart.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 204))
  })

  test.each(['sys', 'sys/x', 'auth/x', 'cubbyhole', 'identity', 'audit'])('%s belongs to the broker', async path => {
    expect(await enable(path)).toMatchObject({ status: 400, error: `cannot mount "${path}/"` })
  })

  test.each(['a b', 'a.', '-a', 'ä', 'a/./b', 'a/../b', 'x'.repeat(129), 'a/b/c/d/e/f/g/h/i'])('%j is no path of a mount', async path => {
    expect(await enable(path)).toMatchObject({ status: 400, error: expect.stringMatching(/^(path: |cannot mount)/) })
  })

  test.each<[string, JsonObject]>([
    ['backend type must be specified as a string', { type: '' }],
    ['plugin not found in the catalog: github', { type: 'github' }],
    ['given default lease TTL greater than given max lease TTL', { config: { default_lease_ttl: '2h', max_lease_ttl: '1h' } }],
    [
      'given default lease TTL of 3600000 seconds greater than system default max lease TTL of 2764800 seconds',
      { config: { default_lease_ttl: '1000h' } }
    ],
    ['local is not offered', { local: true }],
    ['seal_wrap is not offered', { seal_wrap: 'true' }],
    [
      'passthrough_request_headers is not offered: no header of a request reaches a backend',
      { config: { passthrough_request_headers: ['X-Vault-Token'] } }
    ],
    ['plugin_version is not offered: a backend has the version that the broker loaded', { config: { plugin_version: 'v1.2.3' } }],
    ['listing_visibility: expected "unauth" or "hidden"', { config: { listing_visibility: 'all' } }],
    [
      'Field validation failed: config.max_lease_ttl: not a duration: expected seconds, or text such as "1h30m", "90s", "2d"',
      { config: { max_lease_ttl: 'soon' } }
    ]
  ])('%s', async (message, fields) => {
    expect(await enable('refused', fields)).toMatchObject({ status: 400, error: message })
    expect(await broker.ask('read', 'sys/mounts/refused')).toMatchObject({ status: 400, error: 'No secret engine mount at refused/' })
  })

  test('what a client says without meaning it is no mistake', async () => {
    const idle = { local: false, seal_wrap: false, external_entropy_access: false, options: null, description: '' }
    const config = {
      default_lease_ttl: '0s',
      max_lease_ttl: '0s',
      force_no_cache: false,
      options: null,
      plugin_version: '',
      passthrough_request_headers: []
    }
    expect((await enable('idle', { ...idle, config })).status).toBe(204)
  })
})

const tune = (fields: JsonObject) => broker.ask('write', 'sys/mounts/tuned/tune', fields)
const readTune = async () => (await broker.ask('read', 'sys/mounts/tuned/tune')).data

describe('tuning', () => {
  test('reads show the effective numbers; "" and null leave, 0 and "system" reset', async () => {
    await enable('tuned', { description: 'before' })
    expect(await readTune()).toMatchObject({
      default_lease_ttl: 2_764_800,
      max_lease_ttl: 2_764_800,
      description: 'before',
      force_no_cache: false
    })
    expect((await tune({ default_lease_ttl: '30m', max_lease_ttl: 3_600 })).status).toBe(204)
    expect((await tune({ default_lease_ttl: '', max_lease_ttl: null, description: 'after', options: null })).status).toBe(204)
    expect(await readTune()).toMatchObject({ default_lease_ttl: 1_800, max_lease_ttl: 3_600, description: 'after' })
    expect((await broker.ask('read', 'sys/mounts/tuned')).data).toMatchObject({ config: { default_lease_ttl: 1_800 } })
    expect((await tune({ default_lease_ttl: '0s', max_lease_ttl: 'system' })).status).toBe(204)
    expect(await readTune()).toMatchObject({ default_lease_ttl: 2_764_800, max_lease_ttl: 2_764_800 })
  })

  test('a default above the maximum changes nothing', async () => {
    await enable('tuned')
    await tune({ max_lease_ttl: '1h' })
    expect((await tune({ default_lease_ttl: '2h', description: 'half' })).status).toBe(400)
    expect(await readTune()).not.toMatchObject({ description: 'half' })
  })

  test('what the audit shows in clear is told back', async () => {
    await enable('tuned')
    await tune({ audit_non_hmac_request_keys: 'a,b', listing_visibility: 'unauth' })
    expect(await readTune()).toMatchObject({ audit_non_hmac_request_keys: ['a', 'b'], listing_visibility: 'unauth' })
  })

  test('an unknown mount is 400', async () => {
    expect((await broker.ask('read', 'sys/mounts/nowhere/tune')).status).toBe(400)
    expect((await broker.ask('write', 'sys/mounts/nowhere/tune', { description: 'x' })).status).toBe(400)
  })
})

describe('disabling', () => {
  test('an unknown one is 204, the broker’s own stay', async () => {
    expect((await broker.ask('delete', 'sys/mounts/unknown')).status).toBe(204)
    expect(await broker.ask('delete', 'sys/mounts/sys')).toMatchObject({ status: 400, error: 'cannot unmount "sys/"' })
    expect((await broker.ask('delete', 'sys/mounts/auth/token')).status).toBe(204)
    expect((await broker.ask('read', 'auth/token/lookup-self')).status).toBe(200)
  })

  test('a mount without leases goes, and its path is free again without its rows', async () => {
    await enable('gone')
    await broker.ask('write', 'gone/roles/app', { default_ttl: '5m' })
    expect((await broker.ask('delete', 'sys/mounts/gone')).status).toBe(204)
    expect((await broker.ask('read', 'gone/roles/app')).error).toBe('no handler for route "gone/roles/app". route entry not found.')
    expect((await enable('gone')).status).toBe(204)
    expect((await broker.ask('read', 'gone/roles/app')).status).toBe(404)
  })

  test('moving is refused in words', async () => {
    expect(await broker.ask('write', 'sys/remount', { from: 'a', to: 'b' })).toMatchObject({
      status: 400,
      error: expect.stringContaining('not offered')
    })
  })
})

describe('auth methods', () => {
  test('tokens are there from the start', async () => {
    const { data } = await broker.ask('read', 'sys/auth')
    expect(Object.keys(data!)).toEqual(['token/'])
    expect(data!['token/']).toMatchObject({
      type: 'token',
      accessor: expect.stringMatching(/^auth_token_/),
      config: { token_type: 'default-service' }
    })
    expect((await broker.ask('read', 'sys/auth/token')).data).toEqual(data!['token/'])
  })

  test.each([
    ['read', 'sys/auth/x', {}, 'No auth engine at x/'],
    ['write', 'sys/auth/x', { type: 'userpass' }, 'plugin not found in the catalog: userpass'],
    ['write', 'sys/auth/token', { type: 'token' }, 'path is already in use at token/'],
    ['delete', 'sys/auth/token', {}, 'token credential backend cannot be disabled']
  ] as const)('%s %s: 400', async (operation, path, data, error) => {
    expect(await broker.ask(operation, path, data)).toMatchObject({ status: 400, error })
  })
})

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/contracts/index.ts'
import { openBroker } from '../sys/open-broker.ts'
import type { TestBroker } from '../sys/open-broker.ts'

let broker: TestBroker
/** Who may create tokens and no more; who has sudo there as well. */
let plain: string
let sudo: string

const rules = (capabilities: readonly string[]) =>
  JSON.stringify({ path: { 'auth/token/create': { capabilities }, 'auth/token/create-orphan': { capabilities: ['update'] } } })

beforeAll(async () => {
  broker = await openBroker()
  await broker.ask('write', 'sys/policies/acl/maker', { policy: rules(['update']) })
  await broker.ask('write', 'sys/policies/acl/strong', { policy: rules(['update', 'sudo']) })
  plain = await broker.token({ policies: ['maker', 'app'] })
  sudo = await broker.token({ policies: ['strong'] })
})
afterAll(() => broker[Symbol.asyncDispose]())

const create = (fields: JsonObject, token = broker.root) => broker.ask('write', 'auth/token/create', fields, { token })

describe('what comes back', () => {
  test('a token of 28 characters with its accessor and the whole auth block', async () => {
    const { status, auth, data } = await create({ policies: ['default'], ttl: '1h', meta: { a: 'b' } })
    expect({ status, data }).toEqual({ status: 200, data: undefined })
    expect(auth).toEqual({
      client_token: expect.stringMatching(/^s\.[0-9A-Za-z]{26}$/),
      accessor: expect.stringMatching(/^[0-9A-Za-z]{24}$/),
      policies: ['default'],
      token_policies: ['default'],
      metadata: { a: 'b' },
      lease_duration: 3_600,
      renewable: true,
      entity_id: '',
      token_type: 'service',
      orphan: false,
      mfa_requirement: null,
      num_uses: 0
    })
  })

  test('what the command line always sends is as if it had sent nothing', async () => {
    const { auth } = await create(
      {
        period: '0s',
        explicit_max_ttl: '0s',
        num_uses: 0,
        entity_alias: '',
        ttl: '0s',
        display_name: '',
        type: 'service',
        policies: [],
        meta: null
      },
      plain
    )
    expect(auth).toMatchObject({ policies: ['app', 'default', 'maker'], lease_duration: 2_764_800, renewable: true, metadata: null })
  })

  test('a policy that is not there counts once it is, and the reply says so', async () => {
    const { auth, warnings } = await create({ policies: ['later'] })
    expect(auth?.policies).toEqual(['default', 'later'])
    expect(warnings).toEqual(['Policy "later" does not exist'])
  })

  test('a TTL above the maximum is cut, with the warning that clients search for', async () => {
    const { auth, warnings } = await create({ policies: ['default'], ttl: '2h', explicit_max_ttl: '1h' })
    expect(auth?.lease_duration).toBe(3_600)
    expect(warnings).toEqual(['TTL of "2h" exceeded the effective max_ttl of "1h"; TTL value is capped accordingly'])
  })

  test('the tuned TTLs of auth/token/ count', async () => {
    expect(await broker.ask('write', 'sys/mounts/auth/token/tune', { default_lease_ttl: '30m', max_lease_ttl: '2h' })).toMatchObject({
      status: 204
    })
    expect((await create({ policies: ['default'] })).auth?.lease_duration).toBe(1_800)
    expect((await create({ policies: ['default'], ttl: '3h' })).auth?.lease_duration).toBe(7_200)
    expect((await broker.ask('read', 'sys/auth/token/tune')).data).toMatchObject({ default_lease_ttl: 1_800, max_lease_ttl: 7_200 })
    await broker.ask('write', 'sys/mounts/auth/token/tune', { default_lease_ttl: '0s', max_lease_ttl: 'system' })
    expect((await create({ policies: ['default'] })).auth?.lease_duration).toBe(2_764_800)
  })

  test('a token that was chosen works as it was chosen', async () => {
    const { auth } = await create({ id: 'my-own_token', policies: ['default'] })
    expect(auth?.client_token).toBe('my-own_token')
    expect((await broker.ask('read', 'auth/token/lookup-self', {}, { token: 'my-own_token' })).status).toBe(200)
    expect(await create({ id: 'my-own_token' })).toMatchObject({ status: 400 })
  })
})

describe('who is the parent', () => {
  test.each([
    ['create', {}, false],
    ['create', { no_parent: true }, true],
    ['create-orphan', {}, true]
  ])('auth/token/%s with %j makes an orphan: %s', async (path, fields, orphan) => {
    const { auth } = await broker.ask('write', `auth/token/${path}`, fields)
    expect(auth?.orphan).toBe(orphan)
  })

  test('an orphan needs no sudo on its own path', async () => {
    const { auth } = await broker.ask('write', 'auth/token/create-orphan', { policies: ['app'] }, { token: plain })
    expect(auth).toMatchObject({ orphan: true, policies: ['app', 'default'] })
  })

  test('a tree is at most 32 deep', async () => {
    let token = broker.root
    let made = 0
    for (; made < 40; made++) {
      const { auth, status } = await create({}, token)
      if (!auth) {
        expect(status).toBe(400)
        break
      }
      token = auth.client_token
    }
    expect(made).toBeGreaterThanOrEqual(31)
    expect(made).toBeLessThanOrEqual(32)
  })
})

describe('what is refused, in the words that clients show', () => {
  test.each<[string, JsonObject]>([
    ['child policies must be subset of parent', { policies: ['other'] }],
    ['child policies must be subset of parent', { policies: ['app', 'root'] }],
    ['root or sudo privileges required to create orphan token', { no_parent: true }],
    ['root or sudo privileges required to create periodic token', { period: '1h' }],
    ['root or sudo privileges required to specify token id', { id: 'chosen' }],
    ["'entity_alias' is only allowed in combination with token role", { entity_alias: 'somebody' }],
    ['number of uses cannot be negative', { num_uses: -1 }]
  ])('%s: without sudo', async (message, fields) => {
    expect(await create(fields, plain)).toMatchObject({ status: 400, error: message })
  })

  test('sudo makes orphans, periodic tokens and chosen ones, of any policy', async () => {
    const { auth } = await create({ no_parent: true, period: '1h', id: 'by-sudo', policies: ['other'] }, sudo)
    expect(auth).toMatchObject({ orphan: true, client_token: 'by-sudo', policies: ['default', 'other'], lease_duration: 3_600 })
  })

  test.each(['root', 'Root', 'ROOT', ' root', 'root\u00A0', 'ｒｏｏｔ'])('sudo alone never gives %j', async name => {
    const { status, auth } = await create({ policies: [name] }, sudo)
    expect({ status, auth }).toEqual({ status: 400, auth: undefined })
  })

  test.each([['Root'], [' root'], ['root\u00A0']])('root itself is spelled in one way: %j is refused', async name => {
    expect((await create({ policies: [name] })).status).toBe(400)
  })

  test('response-wrapping is nobody’s to give', async () => {
    expect(await create({ policies: ['response-wrapping'] })).toMatchObject({
      status: 400,
      error: 'cannot assign policy "response-wrapping"'
    })
  })

  test('root stands alone', async () => {
    expect((await create({ policies: ['app', 'root'] })).auth?.policies).toEqual(['root'])
  })

  test('a token with a use limit makes none, on its last use neither', async () => {
    for (const uses of [1, 2]) {
      for (const path of ['create', 'create-orphan']) {
        const { status, error } = await broker.ask(
          'write',
          `auth/token/${path}`,
          {},
          { token: await broker.token({ policies: ['maker'], num_uses: uses }) }
        )
        expect({ status, error }).toEqual({ status: 400, error: 'restricted use token cannot generate child tokens' })
      }
    }
  })

  test('a root token that ends makes none that does not', async () => {
    const ending = await broker.token({ policies: ['root'], ttl: '1h' })
    expect(await create({}, ending)).toMatchObject({ status: 400, error: 'expiring root tokens cannot create non-expiring root tokens' })
    expect((await create({ ttl: '30m' }, ending)).auth).toMatchObject({ policies: ['root'], lease_duration: 1_800 })
  })

  test('batch tokens are refused in words', async () => {
    expect(await create({ type: 'batch' })).toMatchObject({ status: 400, error: expect.stringContaining('batch tokens are not offered') })
  })

  test.each(['with.dot', 'ein leer', 'ö', 'x'.repeat(129)])('a chosen token is plain: %j', async id => {
    expect(await create({ id })).toMatchObject({ status: 400, error: expect.stringMatching(/^id: /) })
  })

  test.each<JsonObject>([
    { ttl: -1 },
    { ttl: '-5m' },
    { ttl: 'Infinity' },
    { ttl: '1.5.h' },
    { ttl: [] },
    { ttl: {} },
    { num_uses: 1.5 },
    { renewable: 'perhaps' },
    { policies: { a: 1 } },
    { meta: [1] }
  ])('%j is no value of its field', async fields => {
    expect(await create(fields)).toMatchObject({ status: 400, error: expect.stringMatching(/^Field validation failed: /) })
  })

  test('more metadata than a row should hold', async () => {
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, 'v']))
    expect((await create({ meta: many })).status).toBe(400)
    expect((await create({ meta: { k: 'v'.repeat(513) } })).status).toBe(400)
  })
})

describe('addresses', () => {
  test('a bound token works only from its addresses', async () => {
    const token = await broker.token({ policies: ['default'], token_bound_cidrs: '10.0.0.0/8,2001:db8::1' })
    const from = (address: string) => broker.ask('read', 'auth/token/lookup-self', {}, { token, address })
    expect((await from('10.1.2.3')).data).toMatchObject({ bound_cidrs: ['10.0.0.0/8', '2001:db8::1/128'] })
    expect((await from('::ffff:10.1.2.3')).status).toBe(200)
    expect(await from('192.0.2.1')).toMatchObject({ status: 403, error: 'permission denied' })
  })

  test('what a bound token makes is bound as well', async () => {
    const bound = await broker.token({ policies: ['maker'], token_bound_cidrs: ['10.0.0.0/8'] })
    const make = (fields: JsonObject) => broker.ask('write', 'auth/token/create-orphan', fields, { token: bound, address: '10.0.0.1' })
    const child = (await make({})).auth!.client_token
    expect((await broker.ask('read', 'auth/token/lookup-self', {}, { token: child, address: '192.0.2.1' })).status).toBe(403)
    expect((await make({ token_bound_cidrs: ['10.2.0.0/16'] })).status).toBe(200)
    expect(await make({ token_bound_cidrs: ['0.0.0.0/0'] })).toMatchObject({
      status: 400,
      error: 'token_bound_cidrs: must lie within those of the parent'
    })
  })

  test.each(['10.0.0.0/33', '10.0.0/8', 'fe80::1%eth0', 'host', '1.2.3.4/', '1.2.3.4/8/8', '::/129'])('%j is no address', async cidr => {
    expect((await create({ policies: ['app'], token_bound_cidrs: [cidr] })).status).toBe(400)
  })

  test('the way back in depends on no address', async () => {
    expect((await create({ token_bound_cidrs: ['10.0.0.0/8'] })).status).toBe(400)
  })
})

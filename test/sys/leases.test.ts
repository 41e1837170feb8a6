/** Leases as they are looked up, renewed and listed. */
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/contracts/index.ts'
import { LeaseStand } from './lease-stand.ts'

const stand = new LeaseStand()
const { issue, meanwhile, policy, revoke } = stand

describe('lookup', () => {
  test('tells the wire’s fields and who holds what', async () => {
    const id = await issue()
    await stand.broker.clock.advance('PT59S')
    const { data } = await stand.broker.ask('write', 'sys/leases/lookup', { lease_id: id })
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
    expect(await stand.broker.ask('write', 'sys/leases/lookup', data)).toMatchObject({ status: 400, error })
  })
})

describe('knowing an id gives no right', () => {
  test.each(['lookup', 'renew', 'revoke'])('%s of one’s own lease by `default`; of a stranger’s 403, and it is untouched', async verb => {
    const stranger = await stand.broker.token({ policies: ['app', 'default'] })
    const id = await issue()
    const path = `sys/leases/${verb}`
    expect(await stand.broker.ask('write', path, { lease_id: id }, { token: stranger })).toMatchObject({
      status: 403,
      error: '1 error occurred:\n\t* permission denied\n\n'
    })
    expect((await stand.broker.ask('write', `${path}/${id}`, {}, { token: stranger })).status).toBe(403)
    expect((await stand.broker.ask('write', 'sys/leases/lookup', { lease_id: id }, { token: stand.app })).data).toMatchObject({
      state: 'active',
      last_renewal: null,
      cause: null
    })
    const own = await meanwhile(stand.broker.ask('write', path, { lease_id: id }, { token: stand.app }))
    expect(own.status).toBe(verb === 'revoke' ? 204 : 200)
  })

  test('a rule that names the lease’s path opens it, also when the id comes in the body', async () => {
    await policy('clerk', { 'sys/leases/lookup': ['update'], 'sys/leases/lookup/m/creds/app/*': ['update'] })
    const clerk = await stand.broker.token({ policies: ['clerk'] })
    const id = await issue()
    expect((await stand.broker.ask('write', 'sys/leases/lookup', { lease_id: id }, { token: clerk })).status).toBe(200)
    expect((await stand.broker.ask('write', 'sys/leases/revoke', { lease_id: id }, { token: clerk })).status).toBe(403)
  })

  test('a stranger cannot tell a lease that is there from one that is not', async () => {
    const stranger = await stand.broker.token({ policies: ['default'] })
    const there = await stand.broker.ask('write', 'sys/leases/lookup', { lease_id: await issue() }, { token: stranger })
    const absent = await stand.broker.ask('write', 'sys/leases/lookup', { lease_id: 'm/creds/app/nothing' }, { token: stranger })
    expect(absent).toEqual(there)
  })
})

describe('renew', () => {
  test('counts from now and is capped by the role’s maximum', async () => {
    const id = await issue()
    await stand.broker.clock.advance('PT30M')
    const renewed = await stand.broker.ask('write', `sys/leases/renew/${id}`, { increment: '10m' })
    expect(renewed).toMatchObject({ status: 200, data: undefined, lease: { id, renewable: true, seconds: 600 } })
    const capped = await stand.broker.ask('write', 'sys/leases/renew', { lease_id: id, increment: '10h' })
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
    expect(await stand.broker.ask('write', 'sys/leases/renew', data)).toMatchObject({ status: 400, error })
  })

  test('two ids that differ are refused', async () => {
    const [one, other] = [await issue(), await issue()]
    for (const verb of ['renew', 'revoke'])
      expect(await stand.broker.ask('write', `sys/leases/${verb}/${one}`, { lease_id: other })).toMatchObject({ status: 400 })
    expect((await stand.broker.ask('write', `sys/leases/renew/${one}`, { lease_id: one })).status).toBe(200)
  })

  test('after a revocation there is nothing to renew', async () => {
    const id = await issue()
    await revoke({ lease_id: id })
    expect(await stand.broker.ask('write', 'sys/leases/renew', { lease_id: id })).toMatchObject({ status: 400, error: 'lease not found' })
  })
})

describe('lists', () => {
  test('level by level, with a slash for what lies deeper', async () => {
    const id = await issue()
    const keys = async (prefix: string) => (await stand.broker.ask('list', `sys/leases/lookup${prefix}`)).data?.['keys']
    expect(await keys('')).toEqual(['m/'])
    expect(await keys('/m')).toEqual(['creds/'])
    expect(await keys('/m/creds')).toEqual(['app/'])
    expect(await keys('/m/creds/app')).toEqual([id.slice('m/creds/app/'.length)])
    expect((await stand.broker.ask('list', 'sys/leases/lookup/m/creds/ap')).status).toBe(404)
  })

  test('want sudo', async () => {
    await policy('lister', { 'sys/leases/lookup/*': ['list'] })
    const token = await stand.broker.token({ policies: ['lister'] })
    expect((await stand.broker.ask('list', 'sys/leases/lookup/m', {}, { token })).status).toBe(403)
  })

  test('page by after and limit', async () => {
    const ids = [await issue(), await issue(), await issue()].map(id => id.slice('m/creds/app/'.length)).toSorted()
    expect(await page({ limit: 2 })).toEqual(ids.slice(0, 2))
    expect(await page({ limit: 2, after: ids[1]! })).toEqual(ids.slice(2))
  })
})

const page = async (data: JsonObject) => (await stand.broker.ask('list', 'sys/leases/lookup/m/creds/app', data)).data?.['keys']

import { afterEach, beforeEach, expect, test } from 'vitest'
import type { JsonObject } from '../../src/contracts/index.ts'
import { openBroker } from '../sys/open-broker.ts'
import type { TestBroker } from '../sys/open-broker.ts'

let broker: TestBroker
beforeEach(async () => {
  broker = await openBroker()
})
afterEach(() => broker[Symbol.asyncDispose]())

const renewSelf = (token: string, fields: JsonObject = {}) => broker.ask('write', 'auth/token/renew-self', fields, { token })
const left = async (token: string) => (await broker.ask('read', 'auth/token/lookup-self', {}, { token })).data?.['ttl']

test('a renewal counts from now, gives the first TTL again and keeps the token', async () => {
  const token = await broker.token({ policies: ['default'], ttl: '1h' })
  await broker.clock.advance('PT30M')
  const { auth } = await renewSelf(token)
  expect(auth).toMatchObject({ client_token: token, lease_duration: 3_600, renewable: true, policies: ['default'] })
  expect(await left(token)).toBe(3_600)
  expect((await broker.ask('read', 'auth/token/lookup-self', {}, { token })).data).toMatchObject({
    last_renewal: expect.any(String),
    last_renewal_time: expect.any(Number)
  })
})

test.each([600, '600', '10m', '600s'])('an increment of %j may shorten it', async increment => {
  const token = await broker.token({ policies: ['default'], ttl: '1h' })
  expect((await renewSelf(token, { increment })).auth?.lease_duration).toBe(600)
})

test('nothing passes the explicit maximum', async () => {
  const token = await broker.token({ policies: ['default'], ttl: '1h', explicit_max_ttl: '90m' })
  await broker.clock.advance('PT45M')
  const { auth, warnings } = await renewSelf(token, { increment: '2h' })
  expect(auth?.lease_duration).toBe(2_700)
  expect(warnings).toEqual(['TTL of "2h" exceeded the effective max_ttl of "45m"; TTL value is capped accordingly'])
})

test.each([1_500, 1_000, 900, 100, 0])('with %d ms left to the maximum a renewal never makes the token endless', async milliseconds => {
  const token = await broker.token({ policies: ['default'], ttl: '1h', explicit_max_ttl: '1h' })
  await broker.clock.advance(3_600_000 - milliseconds)
  const { status, auth } = await renewSelf(token, { increment: '10h' })
  if (status === 200) expect(auth!.lease_duration).toBeLessThanOrEqual(Math.ceil(milliseconds / 1_000))
  else expect([400, 403]).toContain(status)
  await broker.clock.advance(milliseconds + 1_000)
  expect((await broker.ask('read', 'auth/token/lookup-self', {}, { token })).status).toBe(403)
})

test('a periodic token lives as long as somebody renews it, whatever the increment', async () => {
  const token = await broker.token({ policies: ['default'], period: '24h' })
  for (let day = 0; day < 35; day++) {
    await broker.clock.leap('PT23H', 82_800_000)
    expect((await renewSelf(token, { increment: 10 })).auth?.lease_duration).toBe(86_400)
  }
  expect((await broker.ask('read', 'auth/token/lookup-self', {}, { token })).data).toMatchObject({ period: 86_400 })
})

test('by token and by accessor; the accessor’s reply never shows the token', async () => {
  const { auth: made } = await broker.ask('write', 'auth/token/create', { policies: ['default'], ttl: '1h' })
  const { client_token: token, accessor } = made!
  expect((await broker.ask('write', 'auth/token/renew', { token, increment: '2h' })).auth).toMatchObject({
    client_token: token,
    lease_duration: 7_200
  })
  expect((await broker.ask('write', 'auth/token/renew-accessor', { accessor, increment: 0 })).auth).toMatchObject({
    client_token: '',
    lease_duration: 3_600
  })
})

test.each<[string, string, JsonObject]>([
  ['token not found', 'renew', { token: 's.unknown' }],
  ['missing token ID', 'renew', {}],
  ['token not found', 'renew-accessor', { accessor: 'unknown' }],
  ['lease is not renewable', 'renew-self', {}]
])('%s: 400', async (message, path, fields) => {
  expect(await broker.ask('write', `auth/token/${path}`, fields)).toMatchObject({ status: 400, error: message })
})

test('what was made not renewable stays so', async () => {
  const token = await broker.token({ policies: ['default'], ttl: '1h', renewable: false })
  expect(await renewSelf(token)).toMatchObject({ status: 400, error: 'lease is not renewable' })
})

test('a negative increment is refused', async () => {
  const token = await broker.token({ policies: ['default'], ttl: '1h' })
  expect((await renewSelf(token, { increment: -1 })).status).toBe(400)
  expect((await renewSelf(token, { increment: '-5m' })).status).toBe(400)
})

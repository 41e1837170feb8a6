import { expect, test } from 'vitest'
import { text } from '../sys/open-broker.ts'
import { approleStand, refused } from './approle-stand.ts'

const role = 'auth/approle/role/shop'

test('a secret id is told once, and looked up by itself or its accessor', async () => {
  await using stand = await approleStand()
  await stand.role('shop', { secret_id_num_uses: 5, secret_id_ttl: '1h', secret_id_bound_cidrs: '10.0.0.0/8' })
  const made = await stand.ask('write', `${role}/secret-id`, {
    metadata: '{"env":"test"}',
    cidr_list: '10.1.0.0/16',
    ttl: '10m',
    num_uses: 3
  })
  expect(made).toMatchObject({ status: 200, data: { secret_id_ttl: 600, secret_id_num_uses: 3 } })
  const secret_id = text(made.data?.['secret_id'])
  const secret_id_accessor = text(made.data?.['secret_id_accessor'])
  const now = stand.clock.now()
  const data = {
    secret_id_accessor,
    secret_id_num_uses: 3,
    secret_id_ttl: 600,
    creation_time: now.toString(),
    expiration_time: now.add({ minutes: 10 }).toString(),
    last_updated_time: now.toString(),
    metadata: { env: 'test' },
    cidr_list: ['10.1.0.0/16'],
    token_bound_cidrs: []
  }
  expect(await stand.ask('write', `${role}/secret-id/lookup`, { secret_id })).toMatchObject({ status: 200, data })
  expect(await stand.ask('write', `${role}/secret-id-accessor/lookup`, { secret_id_accessor })).toMatchObject({ status: 200, data })
  expect((await stand.ask('list', `${role}/secret-id`)).data).toEqual({ keys: [secret_id_accessor] })

  await stand.login({ role_id: text((await stand.ask('read', `${role}/role-id`)).data?.['role_id']), secret_id }, '10.1.0.1')
  expect((await stand.ask('write', `${role}/secret-id/lookup`, { secret_id })).data?.['secret_id_num_uses']).toBe(2)
})

test('what is not there is 204 by itself and 404 by its accessor', async () => {
  await using stand = await approleStand()
  await stand.role('shop')
  const ask = (what: string, data = {}) => stand.ask('write', `${role}/${what}`, data)
  expect(await ask('secret-id/lookup', { secret_id: 'none' })).toMatchObject({ status: 204 })
  expect(await ask('secret-id/destroy', { secret_id: 'none' })).toMatchObject({ status: 204 })
  expect(await ask('secret-id-accessor/lookup', { secret_id_accessor: 'none' })).toMatchObject({ status: 404 })
  expect(await ask('secret-id-accessor/destroy', { secret_id_accessor: 'none' })).toMatchObject({ status: 404 })
  expect(await ask('secret-id/lookup')).toMatchObject({ status: 400, error: 'missing secret_id' })
  expect(await ask('secret-id-accessor/destroy')).toMatchObject({ status: 400, error: 'missing secret_id_accessor' })
  expect(await stand.ask('write', 'auth/approle/role/none/secret-id')).toMatchObject({ status: 404, error: 'role "none" does not exist' })
})

test('an accessor reaches nothing through another role', async () => {
  await using stand = await approleStand()
  await stand.role('shop')
  await stand.role('stock')
  const proof = await stand.secretId('shop')
  const through = 'auth/approle/role/stock/secret-id-accessor'
  expect((await stand.ask('write', `${through}/destroy`, { secret_id_accessor: proof.accessor })).status).toBe(404)
  expect((await stand.ask('write', `${through}/lookup`, { secret_id_accessor: proof.accessor })).status).toBe(404)
  expect((await stand.login(proof)).status).toBe(200)
  expect((await stand.ask('write', `${role}/secret-id-accessor/destroy`, { secret_id_accessor: proof.accessor })).status).toBe(204)
  expect(await stand.login(proof)).toMatchObject(refused)
  expect((await stand.ask('list', `${role}/secret-id`)).status).toBe(404)
})

test('a chosen secret id is taken once, and only at its role', async () => {
  await using stand = await approleStand()
  const role_id = await stand.role('shop')
  await stand.role('stock')
  const choose = (name: string, secret_id?: string) =>
    stand.ask('write', `auth/approle/role/${name}/custom-secret-id`, secret_id === undefined ? {} : { secret_id })
  expect((await choose('shop', 'the old one')).data).toMatchObject({ secret_id: 'the old one' })
  expect(await choose('shop', 'the old one')).toMatchObject({ status: 400, error: 'secret_id: SecretID is already registered' })
  expect((await choose('stock', 'the old one')).status).toBe(200)
  expect(await choose('shop')).toMatchObject({ status: 400, error: 'missing secret_id' })
  expect((await choose('shop', 'x'.repeat(513))).status).toBe(400)
  expect((await stand.login({ role_id, secret_id: 'the old one' })).status).toBe(200)
})

test('a secret id is never wider than its role', async () => {
  await using stand = await approleStand()
  await stand.role('shop', {
    secret_id_num_uses: 5,
    secret_id_ttl: '1h',
    secret_id_bound_cidrs: '10.0.0.0/8',
    token_bound_cidrs: '10.0.0.0/8'
  })
  const wider = [
    { num_uses: 6 },
    { num_uses: 0 },
    { ttl: '2h' },
    { ttl: 0 },
    { cidr_list: '192.0.2.0/24' },
    { token_bound_cidrs: '0.0.0.0/0' },
    { num_uses: -1 }
  ]
  for (const fields of wider) {
    const answer = await stand.ask('write', `${role}/secret-id`, fields)
    expect(answer.status).toBe(400)
    expect(answer.error).toContain(Object.keys(fields)[0])
  }
  expect((await stand.ask('write', `${role}/secret-id`, { metadata: { a: 'x'.repeat(513) } })).error).toContain('metadata')
  expect((await stand.ask('list', `${role}/secret-id`)).status).toBe(404)
})

test('accessors are listed page by page', async () => {
  await using stand = await approleStand()
  await stand.role('shop')
  const made: string[] = []
  for (let i = 0; i < 7; i++) made.push((await stand.secretId('shop')).accessor)
  const page = async (fields: object) => (await stand.ask('list', `${role}/secret-id`, { ...fields })).data?.['keys'] as string[]
  const first = await page({ limit: 3 })
  const second = await page({ limit: 3, after: first.at(-1)! })
  expect([first.length, second.length]).toEqual([3, 3])
  expect([...first, ...second, ...(await page({ after: second.at(-1)! }))]).toEqual(made.toSorted())
  expect((await stand.ask('list', `${role}/secret-id`, { limit: -3 })).status).toBe(400)
})

test('what has expired goes by itself, in batches, and its accessor with it', async () => {
  await using stand = await approleStand()
  await stand.role('shop')
  for (let i = 0; i < 20; i++) await stand.secretId('shop', { ttl: '5m' })
  const stays = await stand.secretId('shop', { ttl: '5h' })
  const endless = await stand.secretId('shop')
  const accessors = async () => ((await stand.ask('list', `${role}/secret-id`)).data!['keys'] as string[]).length
  expect(await accessors()).toBe(22)
  await stand.clock.advance('PT21M')
  await expect.poll(accessors, { timeout: 10_000 }).toBe(2)
  for (const proof of [stays, endless]) expect((await stand.login(proof)).status).toBe(200)
})

test('tidying at once removes what has expired and nothing else', async () => {
  await using stand = await approleStand()
  await stand.role('shop')
  await stand.secretId('shop', { ttl: '1m' })
  const stays = await stand.secretId('shop', { ttl: '2m' })
  await stand.clock.advance('PT61S')
  expect(await stand.ask('write', 'auth/approle/tidy/secret-id')).toMatchObject({ status: 202 })
  await stand.clock.advance('PT2S')
  const accessors = async () => (await stand.ask('list', `${role}/secret-id`)).data?.['keys']
  await expect.poll(accessors, { timeout: 10_000 }).toEqual([stays.accessor])
})

test('neither what has expired nor what a deleted role had leaves a row, however many there were', async () => {
  await using stand = await approleStand()
  await stand.role('shop')
  const uuid = text((await stand.ask('read', 'sys/auth/approle')).data?.['uuid'])
  const rows = () => stand.parts.store.keys(`mount:${uuid}`, '', '', 10_000)
  const before = (await rows()).length
  // More than one batch of each kind.
  const make = (fields: object) => Promise.all(Array.from({ length: 600 }, () => stand.ask('write', `${role}/secret-id`, { ...fields })))
  await make({ ttl: '5m' })
  expect((await rows()).length).toBe(before + 3 * 600)
  await stand.clock.advance('PT21M')
  await expect.poll(async () => (await stand.clock.advance(1_000), (await rows()).length), { timeout: 20_000 }).toBe(before)

  await make({})
  await stand.ask('delete', role)
  await expect.poll(async () => (await stand.clock.advance(1_000), (await rows()).length), { timeout: 20_000 }).toBe(0)
}, 60_000)

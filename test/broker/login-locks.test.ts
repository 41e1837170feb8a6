/** Failed logins: who is locked, who is told, and what the trail keeps. */
import { expect, test } from 'vitest'
import { approleStand, refused } from '../auth/approle-stand.ts'
import type { AppRoleStand } from '../auth/approle-stand.ts'
import { text } from '../sys/open-broker.ts'

test('five failures lock a role for a quarter of an hour, the right proof included, and no other role', async () => {
  await using stand = await approleStand()
  await stand.role('shop')
  await stand.role('stock')
  const shop = await stand.secretId('shop')
  const stock = await stand.secretId('stock')
  const wrong = () => stand.login({ role_id: shop.role_id, secret_id: 'a guess' })
  const guesses = await Promise.all(Array.from({ length: 8 }, wrong))
  expect(guesses.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([400, 400, 400, 400, 400, 403, 403, 403])
  expect(await stand.login(shop)).toMatchObject({ status: 403, error: 'permission denied' })
  expect((await stand.login(stock)).status).toBe(200)
  await stand.clock.advance('PT14M59S')
  expect((await stand.login(shop)).status).toBe(403)
  await stand.clock.advance('PT1S')
  expect((await stand.login(shop)).status).toBe(200)
})

test('an operator sees who is locked, unlocks, and says what locks', async () => {
  await using stand = await approleStand()
  await stand.role('shop')
  const shop = await stand.secretId('shop')
  const guess = () => stand.login({ role_id: shop.role_id, secret_id: 'a guess' })
  for (let i = 0; i < 5; i++) await guess()
  const accessor = text((await stand.ask('read', 'sys/auth/approle')).data?.['accessor'])
  const mount_accessors = [{ mount_accessor: accessor, counts: 1, alias_identifiers: [shop.role_id] }]
  expect((await stand.ask('read', 'sys/locked-users')).data).toEqual({
    by_namespace: [{ namespace_id: 'root', namespace_path: '', counts: 1, mount_accessors }],
    total: 1
  })
  expect((await stand.ask('write', `sys/locked-users/none/unlock/${shop.role_id}`)).status).toBe(400)
  expect((await stand.ask('write', `sys/locked-users/${accessor}/unlock/${shop.role_id}`)).status).toBe(204)
  expect((await stand.login(shop)).status).toBe(200)
  expect((await stand.ask('read', 'sys/locked-users')).data).toMatchObject({ total: 0 })

  const tune = (config: object) => stand.ask('write', 'sys/auth/approle/tune', { user_lockout_config: { ...config } })
  expect((await tune({ lockout_threshold: '2', lockout_duration: '1h' })).status).toBe(204)
  expect((await stand.ask('read', 'sys/auth/approle/tune')).data).toMatchObject({ user_lockout_threshold: 2, user_lockout_duration: 3_600 })
  for (let i = 0; i < 2; i++) await guess()
  expect((await stand.login(shop)).status).toBe(403)
  expect((await tune({ lockout_disable: true })).status).toBe(204)
  expect((await stand.login(shop)).status).toBe(200)
  for (const bad of [{ lockout_threshold: 0 }, { lockout_duration: '0' }, { lockout_treshold: 3 }, { lockout_duration: '-5m' }])
    expect((await tune(bad)).status).toBe(400)
  const secrets = await stand.ask('write', 'sys/mounts/users', {
    type: 'memory',
    config: { user_lockout_config: { lockout_threshold: 3 } }
  })
  expect(secrets).toMatchObject({ status: 400, error: 'user_lockout_config is not offered for this type' })
})

test('a success forgets failures, and so does time', async () => {
  await using stand = await approleStand()
  await stand.role('shop')
  const shop = await stand.secretId('shop')
  const fail = async (times: number) => {
    for (let i = 0; i < times; i++) expect(await stand.login({ role_id: shop.role_id, secret_id: 'a guess' })).toMatchObject(refused)
  }
  await fail(4)
  expect((await stand.login(shop)).status).toBe(200)
  await fail(4)
  await stand.clock.advance('PT15M')
  await fail(4)
  expect((await stand.login(shop)).status).toBe(200)
})

async function trail(stand: AppRoleStand): Promise<readonly Record<string, any>[]> {
  const { store } = stand.parts
  const head = await store.chainHead()
  const lines = await store.auditLines(0, head.seq)
  return lines.map(({ line }) => JSON.parse(line) as Record<string, any>)
}

test('a login and its refusal are in the trail, and neither half is', async () => {
  await using stand = await approleStand()
  await stand.role('shop')
  const proof = await stand.secretId('shop')
  await stand.login({ role_id: proof.role_id, secret_id: 'a wrong guess' })
  const { auth } = await stand.login(proof)
  const entries = (await trail(stand)).filter(({ request }) => request?.path === 'auth/approle/login')
  expect(entries.map(({ type, error }) => [type, error])).toEqual([
    ['request', undefined],
    ['response', 'invalid role or secret ID: role shop: the secret id is unknown, used up or expired'],
    ['request', undefined],
    ['response', undefined]
  ])
  expect(entries[3]!['response'].auth).toMatchObject({
    metadata: { role_name: 'shop' },
    policies: ['app', 'default'],
    entity_id: auth!.entity_id
  })
  expect(entries[3]!['request']).toMatchObject({ mount_type: 'approle', remote_address: '192.0.2.7' })
  const text = JSON.stringify(await trail(stand))
  for (const secret of [proof.secret_id, proof.role_id, 'a wrong guess', auth!.client_token]) expect(text).not.toContain(secret)
})

test('of a flood of failed logins some are told and the rest are counted', async () => {
  await using stand = await approleStand()
  const flood = Array.from({ length: 300 }, (_, i) => stand.login({ role_id: `nobody ${i}`, secret_id: 'a guess' }, '203.0.113.5'))
  for (const answer of await Promise.all(flood)) expect(answer).toMatchObject(refused)
  await stand.clock.advance('PT2S')
  const entries = await trail(stand)
  const told = entries.filter(({ type, error }) => type === 'response' && error === 'invalid role or secret ID: no role has this role id')
  expect(told).toHaveLength(20)
  const counted = entries.filter(entry => JSON.stringify(entry).includes('"count":280'))
  expect(counted).toHaveLength(1)
  expect(JSON.stringify(counted[0])).toContain('203.0.113.5')
})

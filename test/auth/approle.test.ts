import { expect, test } from 'vitest'
import { text } from '../sys/open-broker.ts'
import { approleStand, refused } from './approle-stand.ts'

test('both halves give a token with what the role says', async () => {
  await using stand = await approleStand()
  await stand.role('shop', { token_policies: 'app,team-a', token_ttl: '1h', token_max_ttl: '4h' })
  const proof = await stand.secretId('shop', { metadata: '{"env":"test","role_name":"another"}' })
  const { status, data, auth } = await stand.login(proof)
  expect({ status, data }).toEqual({ status: 200, data: undefined })
  expect(auth).toMatchObject({
    policies: ['app', 'default', 'team-a'],
    token_policies: ['app', 'default', 'team-a'],
    metadata: { env: 'test', role_name: 'shop' },
    lease_duration: 3_600,
    renewable: true,
    token_type: 'service',
    orphan: true,
    num_uses: 0
  })
  const seen = await stand.ask('read', 'auth/token/lookup-self', {}, { token: auth!.client_token, address: '203.0.113.9' })
  expect(seen.data).toMatchObject({
    path: 'auth/approle/login',
    display_name: 'approle-shop',
    meta: { role_name: 'shop' },
    orphan: true,
    ttl: 3_600,
    policies: ['app', 'default', 'team-a']
  })
})

test('one role is one entity, whatever token it holds, and no other role is', async () => {
  await using stand = await approleStand()
  for (const name of ['shop', 'stock']) await stand.role(name)
  const entity = async (name: string) => (await stand.login(await stand.secretId(name))).auth!.entity_id
  const [first, again, other] = [await entity('shop'), await entity('shop'), await entity('stock')]
  expect(first).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  expect(again).toBe(first)
  expect(other).not.toBe(first)
})

test('whatever is wrong, a login is refused with one text', async () => {
  await using stand = await approleStand()
  await stand.role('shop')
  await stand.role('stock')
  await stand.role('far', { secret_id_bound_cidrs: '10.0.0.0/8' })
  const shop = await stand.secretId('shop')
  const far = await stand.secretId('far')
  const wrong = [
    { role_id: 'no such role', secret_id: shop.secret_id },
    { role_id: shop.role_id, secret_id: 'no such secret' },
    { role_id: shop.role_id, secret_id: 'x'.repeat(5_000) },
    { role_id: 'x'.repeat(5_000), secret_id: shop.secret_id },
    { role_id: (await stand.secretId('stock')).role_id, secret_id: shop.secret_id },
    far
  ]
  for (const proof of wrong) expect(await stand.login(proof)).toMatchObject(refused)
  expect(await stand.login({ role_id: shop.role_id })).toMatchObject({ status: 400, error: 'missing secret_id' })
  expect(await stand.login({ role_id: 'no such role' })).toMatchObject({ status: 400, error: 'missing secret_id' })
  expect(await stand.login({ role_id: '', secret_id: 'x' })).toMatchObject({ status: 400, error: 'missing role_id' })
  expect((await stand.login(shop)).status).toBe(200)
  expect((await stand.login(far, '10.1.2.3')).status).toBe(200)
})

test('a secret id ends with its last use, its time, and when it is destroyed', async () => {
  await using stand = await approleStand()
  await stand.role('shop')
  const twice = await stand.secretId('shop', { num_uses: 2 })
  expect([(await stand.login(twice)).status, (await stand.login(twice)).status]).toEqual([200, 200])
  expect(await stand.login(twice)).toMatchObject(refused)

  const short = await stand.secretId('shop', { ttl: '10m' })
  await stand.clock.advance('PT599S')
  expect((await stand.login(short)).status).toBe(200)
  await stand.clock.advance('PT1S')
  expect(await stand.login(short)).toMatchObject(refused)

  const gone = await stand.secretId('shop')
  expect((await stand.login(gone)).status).toBe(200)
  expect(await stand.ask('write', 'auth/approle/role/shop/secret-id/destroy', { secret_id: gone.secret_id })).toMatchObject({ status: 204 })
  expect(await stand.login(gone)).toMatchObject(refused)
})

test('a secret id that is tried from elsewhere loses no use', async () => {
  await using stand = await approleStand()
  await stand.role('shop', { secret_id_bound_cidrs: '10.0.0.0/8' })
  const proof = await stand.secretId('shop', { num_uses: 1, cidr_list: '10.1.0.0/16' })
  expect(await stand.login(proof, '192.0.2.7')).toMatchObject(refused)
  expect(await stand.login(proof, '10.2.0.1')).toMatchObject(refused)
  expect((await stand.login(proof, '10.1.0.1')).status).toBe(200)
  expect(await stand.login(proof, '10.1.0.1')).toMatchObject(refused)
})

test('a token is bound to the networks of the secret id, else of the role, and the login is not', async () => {
  await using stand = await approleStand()
  await stand.role('shop', { token_bound_cidrs: '10.0.0.0/8' })
  const own = await stand.login(await stand.secretId('shop', { token_bound_cidrs: '10.1.0.0/16' }))
  const roles = await stand.login(await stand.secretId('shop'))
  const from = async (token: string, address: string) => (await stand.ask('read', 'auth/token/lookup-self', {}, { token, address })).status
  expect([await from(own.auth!.client_token, '10.1.0.1'), await from(own.auth!.client_token, '10.2.0.1')]).toEqual([200, 403])
  expect([await from(roles.auth!.client_token, '10.2.0.1'), await from(roles.auth!.client_token, '192.0.2.7')]).toEqual([200, 403])
  await stand.role('strict', { token_strictly_bind_ip: true })
  const strict = await stand.login(await stand.secretId('strict'), '192.0.2.7')
  expect([await from(strict.auth!.client_token, '192.0.2.7'), await from(strict.auth!.client_token, '192.0.2.8')]).toEqual([200, 403])
})

test('a role without secret ids lets in who comes from its networks', async () => {
  await using stand = await approleStand()
  const role_id = await stand.role('door', { bind_secret_id: false, secret_id_bound_cidrs: ['10.0.0.0/8'] })
  expect((await stand.login({ role_id }, '10.0.0.1')).status).toBe(200)
  expect(await stand.login({ role_id, secret_id: 'any' }, '192.0.2.7')).toMatchObject(refused)
  // Elsewhere there is no such role, and no role is asked like one with secret ids.
  expect(await stand.login({ role_id }, '192.0.2.7')).toMatchObject({ status: 400, error: 'missing secret_id' })
  expect(await stand.ask('write', 'auth/approle/role/door/secret-id')).toMatchObject({
    status: 400,
    error: 'bind_secret_id is not set on the role'
  })
})

test('who logs in may show an old token, and nobody looks at it', async () => {
  await using stand = await approleStand()
  await stand.role('shop')
  const { role_id, secret_id } = await stand.secretId('shop')
  const answer = await stand.ask('write', 'auth/approle/login', { role_id, secret_id }, { token: 's.longgone' })
  expect(answer.status).toBe(200)
})

test('a role gives no policy that no login may give', async () => {
  await using stand = await approleStand()
  for (const name of ['root', 'Root', 'ROOT', ' root', 'response-wrapping']) {
    const answer = await stand.ask('write', 'auth/approle/role/shop', { token_policies: [name] })
    expect(answer.status).toBe(400)
    expect(answer.error).toContain('token_policies')
  }
  expect((await stand.ask('read', 'auth/approle/role/shop')).status).toBe(404)
})

test('a renewal follows the role as it is now, and ends with it', async () => {
  await using stand = await approleStand()
  await stand.role('shop', { token_ttl: '1h', token_max_ttl: '4h' })
  const { auth } = await stand.login(await stand.secretId('shop'))
  const renew = (data = {}) => stand.ask('write', 'auth/token/renew-self', data, { token: auth!.client_token })
  await stand.clock.advance('PT30M')
  expect((await renew()).auth?.lease_duration).toBe(3_600)
  await stand.role('shop', { token_ttl: '10m', token_max_ttl: '2h' })
  expect((await renew()).auth?.lease_duration).toBe(600)
  expect((await renew({ increment: '9h' })).auth?.lease_duration).toBe(5_400)
  await stand.role('shop', { token_period: '20m', token_max_ttl: '0' })
  expect((await renew()).auth?.lease_duration).toBe(1_200)
  await stand.ask('delete', 'auth/approle/role/shop')
  expect(await renew()).toMatchObject({ status: 400, error: 'role "shop" does not exist any more: log in again' })
  await stand.clock.advance('PT1S')
  await stand.role('shop')
  expect((await renew()).status).toBe(400)
})

test('a mount that is tuned says how long tokens live whose role does not', async () => {
  await using stand = await approleStand({ default_lease_ttl: '20m', max_lease_ttl: '30m' })
  await stand.role('shop', { token_policies: 'app' })
  const { auth } = await stand.login(await stand.secretId('shop'))
  expect(auth?.lease_duration).toBe(1_200)
  await stand.clock.advance('PT15M')
  const renewed = await stand.ask('write', 'auth/token/renew-self', {}, { token: auth!.client_token })
  expect(renewed.auth?.lease_duration).toBe(900)
})

test('two mounts know nothing of each other', async () => {
  await using stand = await approleStand()
  await stand.role('shop')
  const proof = await stand.secretId('shop')
  await stand.ask('write', 'sys/auth/team/apps', { type: 'approle' })
  await stand.ask('write', 'auth/team/apps/role/shop', { role_id: proof.role_id, token_policies: 'other' })
  const there = { role_id: proof.role_id, secret_id: proof.secret_id }
  expect(await stand.ask('write', 'auth/team/apps/login', there, { token: null })).toMatchObject(refused)
  const made = await stand.ask('write', 'auth/team/apps/role/shop/secret-id')
  const login = await stand.ask(
    'write',
    'auth/team/apps/login',
    { role_id: proof.role_id, secret_id: text(made.data?.['secret_id']) },
    { token: null }
  )
  const seen = await stand.ask('read', 'auth/token/lookup-self', {}, { token: login.auth!.client_token })
  expect(seen.data).toMatchObject({ display_name: 'team-apps-shop', path: 'auth/team/apps/login', policies: ['default', 'other'] })
})

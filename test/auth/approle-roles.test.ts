import { expect, test } from 'vitest'
import { approleStand } from './approle-stand.ts'

test('a role is read with every field of the wire, whatever was said', async () => {
  await using stand = await approleStand()
  await stand.role('shop', {})
  expect((await stand.ask('read', 'auth/approle/role/shop')).data).toEqual({
    bind_secret_id: true,
    local_secret_ids: false,
    secret_id_bound_cidrs: null,
    secret_id_num_uses: 0,
    secret_id_ttl: 0,
    token_bound_cidrs: [],
    token_explicit_max_ttl: 0,
    token_max_ttl: 0,
    token_no_default_policy: false,
    token_num_uses: 0,
    token_period: 0,
    token_policies: [],
    token_strictly_bind_ip: false,
    token_ttl: 0,
    token_type: 'default'
  })
})

test('a role that is written again keeps what was not said, and its role id', async () => {
  await using stand = await approleStand()
  const before = await stand.role('shop', { token_policies: ['B', 'a'], token_ttl: '1h', secret_id_num_uses: '3' })
  const after = await stand.role('SHOP', { token_max_ttl: 7_200, token_num_uses: '5' })
  expect(after).toBe(before)
  expect((await stand.ask('read', 'auth/approle/role/Shop')).data).toMatchObject({
    token_policies: ['b', 'a'],
    token_ttl: 3_600,
    token_max_ttl: 7_200,
    token_num_uses: 5,
    secret_id_num_uses: 3
  })
  expect((await stand.ask('list', 'auth/approle/role')).data).toEqual({ keys: ['shop'] })
})

test('what cannot be is refused by name, and nothing is written', async () => {
  await using stand = await approleStand()
  const bad = [
    [{ bind_secret_id: false }, 'at least one constraint'],
    [{ token_ttl: '2h', token_max_ttl: '1h' }, "'token_ttl' cannot be greater than 'token_max_ttl'"],
    [{ token_num_uses: -1 }, 'token_num_uses'],
    [{ secret_id_num_uses: -1 }, 'secret_id_num_uses'],
    [{ token_type: 'batch' }, 'token_type'],
    [{ secret_id_bound_cidrs: 'localhost' }, 'secret_id_bound_cidrs'],
    [{ token_bound_cidrs: '10.0.0.0/33' }, 'token_bound_cidrs'],
    [{ token_ttl: '-5m' }, 'token_ttl']
  ] as const
  for (const [fields, message] of bad) {
    const answer = await stand.ask('write', 'auth/approle/role/shop', fields)
    expect(answer.status).toBe(400)
    expect(answer.error).toContain(message)
  }
  for (const name of ['-shop', 'sh op', 'shop.', 'x'.repeat(129)])
    expect((await stand.ask('write', `auth/approle/role/${name}`, {})).status).toBe(400)
  expect((await stand.ask('list', 'auth/approle/role')).status).toBe(404)
})

const settings = [
  ['policies', 'token_policies', 'a,b', ['a', 'b'], []],
  ['bind-secret-id', 'bind_secret_id', 'true', true, true],
  ['secret-id-bound-cidrs', 'secret_id_bound_cidrs', '10.0.0.0/8', ['10.0.0.0/8'], null],
  ['token-bound-cidrs', 'token_bound_cidrs', '10.0.0.0/8', ['10.0.0.0/8'], null],
  ['secret-id-num-uses', 'secret_id_num_uses', '7', 7, 0],
  ['secret-id-ttl', 'secret_id_ttl', '10m', 600, 0],
  ['token-num-uses', 'token_num_uses', 9, 9, 0],
  ['token-ttl', 'token_ttl', '1h', 3_600, 0],
  ['token-max-ttl', 'token_max_ttl', '2h', 7_200, 0],
  ['period', 'token_period', '1d', 86_400, 0]
] as const

test.each(settings)('role/shop/%s is one setting: written, read, and given back to its default', async (path, field, said, kept, plain) => {
  await using stand = await approleStand()
  const at = `auth/approle/role/shop/${path}`
  expect((await stand.ask('read', at)).status).toBe(404)
  expect((await stand.ask('write', at, { [field]: said })).status).toBe(404)
  await stand.role('shop', {})
  expect(await stand.ask('write', at, { [field]: said })).toMatchObject({ status: 204 })
  expect((await stand.ask('read', at)).data).toEqual({ [field]: kept })
  expect((await stand.ask('read', 'auth/approle/role/shop')).data).toMatchObject({ [field]: kept })
  expect(await stand.ask('write', at)).toMatchObject({ status: 400, error: `missing ${field}` })
  expect(await stand.ask('delete', at)).toMatchObject({ status: 204 })
  expect((await stand.ask('read', at)).data).toEqual({ [field]: plain })
})

test('older names of a setting write it too', async () => {
  await using stand = await approleStand()
  await stand.role('shop', { policies: 'a', period: '1h', bound_cidr_list: '10.0.0.0/8' })
  const data = { token_policies: ['a'], token_period: 3_600, secret_id_bound_cidrs: ['10.0.0.0/8'] }
  expect((await stand.ask('read', 'auth/approle/role/shop')).data).toMatchObject(data)
  await stand.ask('write', 'auth/approle/role/shop/policies', { policies: 'b' })
  await stand.ask('write', 'auth/approle/role/shop/bound-cidr-list', { bound_cidr_list: '10.1.0.0/16' })
  expect((await stand.ask('read', 'auth/approle/role/shop')).data).toMatchObject({
    token_policies: ['b'],
    secret_id_bound_cidrs: ['10.1.0.0/16']
  })
})

test('whether secret ids are local is said once', async () => {
  await using stand = await approleStand()
  await stand.role('shop', { local_secret_ids: true })
  expect((await stand.ask('read', 'auth/approle/role/shop/local-secret-ids')).data).toEqual({ local_secret_ids: true })
  expect((await stand.ask('write', 'auth/approle/role/shop', { local_secret_ids: false })).error).toContain('local_secret_ids')
  expect((await stand.ask('write', 'auth/approle/role/shop/local-secret-ids', { local_secret_ids: false })).status).toBe(405)
})

test('a role id can be chosen, and means one role only', async () => {
  await using stand = await approleStand()
  await stand.role('shop', { role_id: 'shop id/1' })
  const proof = await stand.secretId('shop')
  expect(proof.role_id).toBe('shop id/1')
  expect((await stand.login(proof)).status).toBe(200)
  expect((await stand.ask('write', 'auth/approle/role/stock', { role_id: 'shop id/1' })).error).toContain('role_id')
  await stand.role('stock')
  expect((await stand.ask('write', 'auth/approle/role/stock/role-id', { role_id: 'shop id/1' })).status).toBe(400)

  expect((await stand.ask('write', 'auth/approle/role/shop/role-id', { role_id: 'second' })).status).toBe(204)
  expect((await stand.login(proof)).status).toBe(400)
  expect((await stand.login({ ...proof, role_id: 'second' })).status).toBe(200)
  expect((await stand.ask('write', 'auth/approle/role/stock/role-id', { role_id: 'shop id/1' })).status).toBe(204)
  expect((await stand.ask('write', 'auth/approle/role/stock/role-id', {})).error).toContain('role_id')
})

test('with a role its secret ids go, and a later role of the same name has none of them', async () => {
  await using stand = await approleStand()
  await stand.role('shop', { role_id: 'same' })
  const proof = await stand.secretId('shop')
  await stand.ask('delete', 'auth/approle/role/shop')
  expect(await stand.ask('delete', 'auth/approle/role/shop')).toMatchObject({ status: 204 })
  expect((await stand.login(proof)).status).toBe(400)
  await stand.role('shop', { role_id: 'same' })
  expect((await stand.login(proof)).status).toBe(400)
  expect((await stand.ask('list', 'auth/approle/role/shop/secret-id')).status).toBe(404)
})

test('creating a role and changing it are two rights', async () => {
  await using stand = await approleStand()
  for (const capability of ['create', 'update']) {
    const policy = `path "auth/approle/role/*" { capabilities = ["${capability}"] }`
    await stand.ask('write', `sys/policies/acl/${capability}`, { policy })
  }
  const creator = { token: await stand.token({ policies: ['create'] }) }
  const editor = { token: await stand.token({ policies: ['update'] }) }
  const write = async (who: { token: string }) => (await stand.ask('write', 'auth/approle/role/shop', {}, who)).status
  expect([await write(editor), await write(creator), await write(creator), await write(editor)]).toEqual([403, 204, 403, 204])
})

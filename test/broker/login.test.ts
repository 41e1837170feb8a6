import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { approleStand, refused } from '../auth/approle-stand.ts'
import type { AppRoleStand } from '../auth/approle-stand.ts'
import { finishEndings } from '../../src/broker/mounts/disable-mount.ts'
import { text } from '../sys/open-broker.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-login-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('of a hundred logins at once with one use exactly one gets in', async () => {
  await using stand = await approleStand()
  await stand.role('shop')
  const proof = await stand.secretId('shop', { num_uses: 1 })
  const answers = await Promise.all(Array.from({ length: 100 }, () => stand.login(proof)))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  const accessors = (await stand.ask('list', 'auth/token/accessors')).data?.['keys']
  expect(accessors).toHaveLength(2)
})

test('of a hundred logins at once with seven uses exactly seven get in', async () => {
  await using stand = await approleStand()
  await stand.role('shop')
  const proof = await stand.secretId('shop', { num_uses: 7 })
  const answers = await Promise.all(Array.from({ length: 100 }, () => stand.login(proof)))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(7)
  expect((await stand.login(proof)).status).not.toBe(200)
})

test('no login gets in after the answer that its secret id is gone', async () => {
  await using stand = await approleStand()
  for (let round = 0; round < 10; round++) {
    const name = `shop${round}`
    await stand.role(name)
    const proof = await stand.secretId(name)
    let gone = false
    const late: number[] = []
    const tries = Array.from({ length: 20 }, async () => {
      for (;;) {
        const asked = gone
        const { status } = await stand.login(proof)
        if (asked) late.push(status)
        if (asked) return
      }
    })
    await stand.ask('write', `auth/approle/role/${name}/secret-id/destroy`, { secret_id: proof.secret_id })
    gone = true
    await Promise.all(tries)
    expect(new Set(late)).not.toContain(200)
  }
})

test('a login that races with an edit of its role gets what the role said before or after, never after the answer what it said before', async () => {
  await using stand = await approleStand()
  await stand.role('shop', { token_policies: 'wide' })
  const proof = await stand.secretId('shop')
  const before = Array.from({ length: 50 }, () => stand.login(proof))
  const edited = stand.ask('write', 'auth/approle/role/shop', { token_policies: 'narrow' })
  for (const { auth } of await Promise.all(before)) expect(['wide', 'narrow']).toContain(auth?.policies.find(name => name !== 'default'))
  await edited
  expect((await stand.login(proof)).auth?.policies).toEqual(['default', 'narrow'])
})

test('a secret id that is made anew while a login is on its way gives what it says now, whether its uses are counted or not', async () => {
  await using stand = await approleStand()
  for (const num_uses of [0, 1, 5]) {
    const role_id = await stand.role(`shop${num_uses}`)
    const path = `auth/approle/role/shop${num_uses}`
    const register = (at: string) =>
      stand.ask('write', `${path}/custom-secret-id`, { secret_id: 'chosen', num_uses, metadata: JSON.stringify({ at }) })
    await register('first')
    const changed = Promise.withResolvers<void>()
    const at = async (point: string) => {
      if (point !== 'login:before-commit') return
      Object.assign(stand.parts, { at: async () => undefined })
      await stand.ask('write', `${path}/secret-id/destroy`, { secret_id: 'chosen' })
      await register('second')
      changed.resolve()
    }
    Object.assign(stand.parts, { at })
    const { auth } = await stand.login({ role_id, secret_id: 'chosen' })
    await changed.promise
    expect(auth?.metadata).toMatchObject({ at: 'second' })
  }
})

async function withUsers(stand: AppRoleStand): Promise<string> {
  await stand.ask('write', 'sys/policies/acl/app', {
    policy: 'path "users/creds/*" { capabilities = ["read"] } path "auth/token/create" { capabilities = ["update"] }'
  })
  await stand.ask('write', 'sys/mounts/users', { type: 'memory' })
  await stand.ask('write', 'users/config', { path: join(folder, `${crypto.randomUUID()}.db`) })
  await stand.ask('write', 'users/roles/app', { default_ttl: '1h' })
  await stand.role('shop', { token_policies: 'app', token_ttl: '2h' })
  return (await stand.login(await stand.secretId('shop'))).auth!.client_token
}

test('a method that is disabled takes its tokens and their leases with it', async () => {
  await using stand = await approleStand()
  const token = await withUsers(stand)
  const lease = await stand.ask('read', 'users/creds/app', {}, { token })
  expect(lease.status).toBe(200)
  const child = await stand.token({ policies: ['app'] }, { token })
  await using _time = winding(stand)
  expect(await stand.ask('delete', 'sys/auth/approle')).toMatchObject({ status: 204 })
  for (const gone of [token, child]) expect((await stand.ask('read', 'auth/token/lookup-self', {}, { token: gone })).status).toBe(403)
  await expect.poll(async () => (await stand.ask('write', 'sys/leases/lookup', { lease_id: lease.lease!.id })).status).toBe(400)
  expect((await stand.ask('read', 'sys/auth')).data).not.toHaveProperty('approle/')
  expect((await stand.ask('write', 'auth/approle/login', { role_id: 'x', secret_id: 'y' }, { token: null })).status).toBe(403)
})

test('what an application leased before is its own after the next login, and no other application reaches it', async () => {
  await using stand = await approleStand()
  const token = await withUsers(stand)
  const { lease } = await stand.ask('read', 'users/creds/app', {}, { token })
  await stand.role('stock', { token_policies: 'app' })
  const later = (await stand.login(await stand.secretId('shop'))).auth!.client_token
  const other = (await stand.login(await stand.secretId('stock'))).auth!.client_token
  const renew = async (by: string) =>
    (await stand.ask('write', 'sys/leases/renew', { lease_id: lease!.id, increment: 60 }, { token: by })).status
  expect([await renew(later), await renew(other)]).toEqual([200, 403])
})

test('a method of the same path later knows nothing of the one before', async () => {
  await using stand = await approleStand()
  const role_id = await stand.role('shop', { role_id: 'same' })
  const proof = await stand.secretId('shop')
  const { auth } = await stand.login(proof)
  await using _time = winding(stand)
  await stand.ask('delete', 'sys/auth/approle')
  expect(await stand.ask('write', 'sys/auth/approle', { type: 'approle' })).toMatchObject({ status: 204 })
  expect((await stand.ask('list', 'auth/approle/role')).status).toBe(404)
  expect(await stand.login(proof)).toMatchObject(refused)
  await stand.role('shop', { role_id })
  expect(await stand.login(proof)).toMatchObject(refused)
  expect((await stand.ask('write', 'auth/token/renew-self', {}, { token: auth!.client_token })).status).toBe(403)
})

test('logins that race with the end of their method leave no token that lives', async () => {
  await using stand = await approleStand()
  await stand.role('shop')
  const proof = await stand.secretId('shop')
  await using _time = winding(stand)
  const logins = Array.from({ length: 60 }, () => stand.login(proof))
  await Promise.race(logins)
  const ended = stand.ask('delete', 'sys/auth/approle')
  const more = Array.from({ length: 60 }, () => stand.login(proof))
  const tokens = (await Promise.all([...logins, ...more])).flatMap(({ auth }) => (auth ? [auth.client_token] : []))
  expect(await ended).toMatchObject({ status: 204 })
  expect(tokens.length).toBeGreaterThan(0)
  for (const token of tokens) expect((await stand.ask('read', 'auth/token/lookup-self', {}, { token })).status).toBe(403)
})

test('a method that is disabled and finished by the loop at the same moment is gone, and nobody hears of a conflict', async () => {
  await using stand = await approleStand()
  for (let round = 0; round < 10; round++) {
    await stand.ask('write', 'sys/auth/approle', { type: 'approle' })
    await stand.role('shop')
    await stand.login(await stand.secretId('shop'))
    const failed: unknown[] = []
    const answers: unknown[] = []
    const deleted = stand.ask('delete', 'sys/auth/approle').then(said => answers.push(said))
    while (answers.length === 0) {
      await stand.ask('read', 'auth/token/lookup-self')
      const both = [stand.clock.advance(100), ...Array.from({ length: 3 }, () => finishEndings(stand.parts))]
      for (const outcome of await Promise.allSettled(both)) if (outcome.status === 'rejected') failed.push(outcome.reason)
    }
    await deleted
    expect(answers).toMatchObject([{ status: 204 }])
    expect(failed).toEqual([])
  }
})

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

test('a token with a number of uses, made by a login, ends with its last', async () => {
  await using stand = await approleStand()
  await stand.role('shop', { token_num_uses: 2 })
  const { auth } = await stand.login(await stand.secretId('shop'))
  expect(auth?.num_uses).toBe(2)
  const look = async () => (await stand.ask('read', 'auth/token/lookup-self', {}, { token: auth!.client_token })).status
  expect([await look(), await look(), await look()]).toEqual([200, 200, 403])
})

test('an auth method is enabled, shown, tuned and disabled as the wire has it', async () => {
  await using stand = await approleStand()
  expect((await stand.ask('read', 'sys/auth/approle')).data).toMatchObject({
    type: 'approle',
    accessor: expect.stringMatching(/^auth_approle_[0-9a-f]{8}$/),
    config: { default_lease_ttl: 0, token_type: 'default-service' },
    options: {}
  })
  expect(await stand.ask('write', 'sys/auth/approle', { type: 'approle' })).toMatchObject({
    status: 400,
    error: 'path is already in use at approle/'
  })
  expect((await stand.ask('write', 'sys/auth/approle/below', { type: 'approle' })).error).toBe('path is already in use at approle/')
  expect((await stand.ask('write', 'sys/auth/token', { type: 'approle' })).error).toBe('path is already in use at token/')
  expect((await stand.ask('write', 'sys/auth/x', { type: 'memory' })).error).toBe('plugin not found in the catalog: memory')
  expect((await stand.ask('write', 'sys/mounts/x', { type: 'approle' })).error).toBe('plugin not found in the catalog: approle')
  expect((await stand.ask('write', 'sys/auth/approle/tune', { default_lease_ttl: '1h', description: 'apps' })).status).toBe(204)
  expect((await stand.ask('read', 'sys/auth/approle/tune')).data).toMatchObject({ default_lease_ttl: 3_600, description: 'apps' })
  expect(Object.keys((await stand.ask('read', 'sys/auth')).data ?? {})).toEqual(['approle/', 'token/'])
  expect((await stand.ask('delete', 'sys/auth/token')).status).toBe(400)
  expect((await stand.ask('delete', 'sys/auth/nothing')).status).toBe(204)
})

test('what lies below a method needs a token, and a right', async () => {
  await using stand = await approleStand()
  await stand.role('shop')
  for (const path of ['auth/approle/role/shop', 'auth/approle/role/shop/role-id', 'auth/nothing/role/shop'])
    expect((await stand.ask('read', path, {}, { token: null })).status).toBe(403)
  const { auth } = await stand.login(await stand.secretId('shop'))
  expect((await stand.ask('read', 'auth/approle/role/shop', {}, { token: auth!.client_token })).status).toBe(403)
  expect((await stand.ask('read', 'auth/approle/login', {}, { token: null })).status).toBe(405)
  expect(text((await stand.ask('read', 'auth/approle/role/shop/role-id')).data?.['role_id'])).toMatch(/^[0-9a-f-]{36}$/)
})

/** Time that goes by while something waits for the sweeper. */
function winding({ clock }: AppRoleStand): AsyncDisposable {
  const stop = new AbortController()
  const wound = (async () => {
    while (!stop.signal.aborted) await clock.advance(200)
  })()
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await wound
    }
  }
}

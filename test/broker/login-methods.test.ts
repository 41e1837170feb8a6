/** Auth methods as they are enabled and disabled, with the tokens and leases that came by them. */
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

/** node-vault for Node, unchanged. Only 200 and 204 are success for it, and it lists with a verb that Node's parser does not know. */
import { join } from 'node:path'
import vault from 'node-vault'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing } from '../targets/missing.ts'
import { postgresMissing } from '../targets/postgres-binaries.ts'
import { creation, openStand } from './client-stand.ts'
import type { ClientStand } from './client-stand.ts'
import { serveSealed } from './serve-in-memory.ts'

describe.skipIf(missing(postgresMissing()))('node-vault', () => {
  let stand: ClientStand
  let client: vault.client
  beforeAll(async () => {
    stand = await openStand()
    client = vault({ endpoint: stand.broker.address, token: stand.broker.root })
    await client.mount({ mount_point: 'nv', type: 'database' })
    await client.write('nv/config/app', stand.connection)
    await client.write('nv/roles/reader', { db_name: 'app', creation_statements: creation, default_ttl: '1h' })
  })
  afterAll(() => stand[Symbol.asyncDispose]())

  test('lists by the verb, and by the query where a proxy drops the verb', async () => {
    const byQuery = vault({ endpoint: stand.broker.address, token: stand.broker.root, noCustomHTTPVerbs: true })
    for (const one of [client, byQuery]) {
      expect((await one.list('nv/roles')).data.keys).toEqual(['reader'])
      await expect(one.list('nv/roles/nothing')).rejects.toMatchObject({ response: { statusCode: 405 } })
      await expect(one.list('sys/leases/lookup/nothing')).rejects.toMatchObject({ response: { statusCode: 404, body: { errors: [] } } })
    }
  })

  test('reads, renews and revokes a credential', async () => {
    const { lease_id, data } = await client.read('nv/creds/reader')
    expect(await stand.mayLogIn(data)).toBe(true)
    expect(await client.renew({ lease_id, increment: 600 })).toMatchObject({ lease_id, lease_duration: 600, renewable: true })
    expect((await client.write('sys/leases/lookup', { lease_id })).data).toMatchObject({ id: lease_id, ttl: expect.any(Number) })
    await client.revoke({ lease_id })
    expect(await stand.mayLogIn(data)).toBe(false)
    await expect(client.renew({ lease_id })).rejects.toThrow('lease not found')
    await expect(client.read('nv/creds/nobody')).rejects.toThrow('unknown role: nobody')
  })

  test('a prefix by the path of today; the path of old is gone', async () => {
    const { data } = await client.read('nv/creds/reader')
    await expect(client.revokePrefix({ path_prefix: 'nv/creds' })).rejects.toThrow('unsupported path')
    expect(await stand.mayLogIn(data)).toBe(true)
    await client.write('sys/leases/revoke-prefix/nv/creds', {})
    expect(await stand.mayLogIn(data)).toBe(false)
  })

  test('writes, reads, lists and removes policies', async () => {
    const policy = 'path "nv/creds/reader" { capabilities = ["read"] }'
    await client.addPolicy({ name: 'shop', policy })
    expect(await client.getPolicy({ name: 'shop' })).toMatchObject({ name: 'shop', rules: policy, data: { rules: policy } })
    expect((await client.policies()).policies).toContain('shop')
    await client.removePolicy({ name: 'shop' })
    await expect(client.getPolicy({ name: 'shop' })).rejects.toMatchObject({ response: { statusCode: 404 } })
  })

  test('makes, looks up, renews and revokes tokens', async () => {
    // It takes the token that it made for its own.
    const operator = vault({ endpoint: stand.broker.address, token: stand.broker.root })
    const { auth } = await operator.tokenCreate({ policies: ['default'], ttl: '1h', display_name: 'node', meta: { team: 'shop' } })
    expect(operator.token).toBe(auth.client_token)
    expect((await operator.tokenLookupSelf()).data).toMatchObject({
      display_name: 'token-node',
      meta: { team: 'shop' },
      policies: ['default']
    })
    expect((await operator.tokenRenewSelf({ increment: '2h' })).auth.lease_duration).toBe(7_200)
    await expect(operator.mounts()).rejects.toMatchObject({ response: { statusCode: 403 } })
    expect((await client.tokenLookup({ token: auth.client_token })).data.id).toBe(auth.client_token)
    expect((await client.tokenLookupAccessor({ accessor: auth.accessor })).data.id).toBe('')
    expect((await client.tokenAccessors()).data.keys).toContain(auth.accessor)
    await client.tokenRevokeAccessor({ accessor: auth.accessor })
    await expect(operator.tokenLookupSelf()).rejects.toMatchObject({ response: { statusCode: 403 }, message: 'permission denied' })
  })

  test('what it issued to a token ends with the token', async () => {
    await client.addPolicy({ name: 'reader', policy: 'path "nv/creds/reader" { capabilities = ["read"] }' })
    const application = vault({ endpoint: stand.broker.address, token: stand.broker.root })
    await application.tokenCreate({ policies: ['reader'], ttl: '1h' })
    const { data } = await application.read('nv/creds/reader')
    expect(await stand.mayLogIn(data)).toBe(true)
    await application.tokenRevokeSelf()
    await expect.poll(() => stand.mayLogIn(data), { timeout: 10_000 }).toBe(false)
  })

  test('enables, lists and disables audit devices, mounts and auth methods', async () => {
    await client.enableAudit({ name: 'nv', type: 'file', options: { file_path: join(stand.auditFolder, 'nv.jsonl') } })
    expect(await client.audits()).toMatchObject({ 'nv/': { type: 'file' }, data: { 'nv/': { type: 'file' } } })
    await client.disableAudit({ name: 'nv' })
    expect((await client.audits()).data).toEqual({})
    expect(await client.auths()).toMatchObject({ 'token/': { type: 'token' } })
    await client.mount({ mount_point: 'gone', type: 'database' })
    expect(await client.mounts()).toHaveProperty('gone/')
    await client.unmount({ mount_point: 'gone' })
    expect(await client.mounts()).not.toHaveProperty('gone/')
  })

  test('initialises, unseals and seals; health is an answer whatever it says', async () => {
    await using sealed = await serveSealed()
    const there = vault({ endpoint: sealed.address })
    expect(await there.initialized()).toEqual({ initialized: false })
    expect(await there.health()).toMatchObject({ initialized: false })
    const { keys, root_token } = await there.init({ secret_shares: 2, secret_threshold: 2 })
    expect(await there.unseal({ key: keys[0] })).toMatchObject({ sealed: true, progress: 1 })
    expect(await there.unseal({ key: keys[1] })).toMatchObject({ sealed: false })
    there.token = root_token
    await there.seal()
    expect(await there.status()).toMatchObject({ sealed: true, t: 2, n: 2 })
    await expect(there.mounts()).rejects.toMatchObject({ response: { statusCode: 503 }, message: 'Vault is sealed' })
  })
})

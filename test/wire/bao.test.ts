/** The `bao` command line, unchanged: what an operator and an engineer type. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing, pythonMissing } from '../targets/missing.ts'
import { postgresMissing } from '../targets/postgres-binaries.ts'
import { creation, openStand, runBao } from './client-stand.ts'
import type { ClientStand, Ended, Login } from './client-stand.ts'
import { serveSealed } from './serve-in-memory.ts'

describe.skipIf(missing(postgresMissing() ?? pythonMissing()))('the bao command line', () => {
  let stand: ClientStand
  beforeAll(async () => {
    stand = await openStand()
    await bao('secrets', 'enable', '-path=db', '-description=people', '-max-lease-ttl=8h', 'database')
    await bao('write', 'db/config/app', ...Object.entries(stand.connection).map(([key, value]) => `${key}=${value}`))
    await bao('write', 'db/roles/reader', 'db_name=app', `creation_statements=${creation}`, 'default_ttl=1h')
  })
  afterAll(() => stand[Symbol.asyncDispose]())

  function as(token: string, ...args: readonly string[]): Promise<Ended> {
    return runBao(stand.broker.address, token, stand.home, args)
  }

  /** As root. */
  function tried(...args: readonly string[]): Promise<Ended> {
    return as(stand.broker.root, ...args)
  }

  /** What it printed; anything but success is an error. */
  async function bao(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await tried(...args)
    if (code !== 0) throw new Error(`bao ${args.slice(0, 3).join(' ')}: ${code} ${stderr}`)
    return stdout
  }

  async function json(command: readonly string[], ...args: readonly string[]): Promise<any> {
    return JSON.parse(await bao(...command, '-format=json', ...args))
  }

  async function child(token: string, ...more: readonly string[]): Promise<string> {
    return JSON.parse((await as(token, 'token', 'create', '-format=json', ...(more.length > 0 ? more : ['-policy=default']))).stdout).auth
      .client_token
  }

  async function isAlive(token: string): Promise<boolean> {
    return (await tried('token', 'lookup', token)).code === 0
  }

  async function issue(): Promise<{ readonly id: string; readonly login: Login }> {
    const { lease_id: id, data } = await json(['read'], 'db/creds/reader')
    expect(await stand.mayLogIn(data)).toBe(true)
    return { id, login: data }
  }

  test('logs in with a token, and keeps it', async () => {
    const { code, stdout } = await as('', 'login', stand.broker.root)
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/token_policies\s+\["root"\]/) })
    expect(existsSync(join(stand.home, '.vault-token'))).toBe(true)
    const kept = await as('', 'token', 'lookup', '-format=json')
    expect(JSON.parse(kept.stdout).data).toMatchObject({ policies: ['root'], ttl: 0, renewable: false })
  })

  test('lists, shows and tunes mounts', async () => {
    expect((await json(['secrets', 'list']))['db/']).toMatchObject({ type: 'database', description: 'people' })
    expect(await bao('secrets', 'list', '-detailed')).toMatch(/db\/\s+database\s+database_[0-9a-f]{8}/)
    await bao('secrets', 'tune', '-max-lease-ttl=4h', '-description=engineers', 'db/')
    expect((await json(['read'], 'sys/mounts/db/tune')).data).toMatchObject({ max_lease_ttl: 14_400, description: 'engineers' })
    expect(await bao('read', 'db/roles/reader')).toMatch(/default_ttl\s+1h\n/)
    expect(await json(['list'], 'db/roles')).toEqual(['reader'])
    expect(await json(['list'], 'db/config')).toEqual(['app'])
  })

  test('what is not there is exit code 2, and says so', async () => {
    for (const args of [
      ['read', 'db/roles/nobody'],
      ['list', 'db/roles/nothing'],
      ['read', 'db/creds/nobody']
    ])
      expect(await tried(...args)).toMatchObject({ code: 2, stdout: '' })
    expect((await tried('read', 'db/creds/nobody')).stderr).toContain('* unknown role: nobody')
    expect((await tried('secrets', 'enable', '-path=db', 'database')).stderr).toContain('path is already in use at db/')
  })

  test('shows, renews and revokes a lease', async () => {
    const { id, login } = await issue()
    expect((await json(['lease', 'lookup'], id)).data).toMatchObject({ id, renewable: true, path: 'db/creds/reader' })
    expect(await json(['lease', 'renew'], '-increment=30m', id)).toMatchObject({ lease_id: id, lease_duration: 1_800, data: null })
    expect((await json(['lease', 'renew'], '-increment=100h', id)).warnings).toEqual([
      expect.stringMatching(/^TTL of "100h" exceeded the effective max_ttl of "(4h|3h59m\d\ds)"; TTL value is capped accordingly$/)
    ])
    expect(await json(['list'], 'sys/leases/lookup/db/creds/reader')).toContain(id.slice('db/creds/reader/'.length))
    await bao('lease', 'revoke', '-sync', id)
    expect(await stand.mayLogIn(login)).toBe(false)
    expect(await tried('lease', 'renew', id)).toMatchObject({ code: 2, stderr: expect.stringContaining('* lease not found') })
    expect(await tried('lease', 'lookup', id)).toMatchObject({ code: 2, stderr: expect.stringContaining('* invalid lease') })
  })

  test('without -sync a revocation is queued, and comes', async () => {
    const { id, login } = await issue()
    expect(await bao('lease', 'revoke', id)).toContain('All revocation operations queued successfully!')
    await expect.poll(() => stand.mayLogIn(login), { timeout: 10_000 }).toBe(false)
  })

  test('revokes by prefix, and forgets by force', async () => {
    const [one, two] = [await issue(), await issue()]
    await bao('lease', 'revoke', '-sync', '-prefix', 'db/creds')
    expect(await Promise.all([stand.mayLogIn(one.login), stand.mayLogIn(two.login)])).toEqual([false, false])
    const three = await issue()
    await bao('lease', 'revoke', '-force', '-prefix', 'db/creds')
    expect((await tried('list', 'sys/leases/lookup/db/creds/reader')).code).toBe(2)
    expect(await stand.mayLogIn(three.login)).toBe(true)
    await stand.drop(three.login)
  })

  test('makes, shows, renews and revokes tokens, by themselves and by their accessors', async () => {
    const { auth } = await json(['token', 'create'], '-policy=default', '-ttl=1h', '-display-name=ci', '-metadata=team=shop')
    expect((await json(['token', 'lookup'], auth.client_token)).data).toMatchObject({ display_name: 'token-ci', meta: { team: 'shop' } })
    expect((await json(['token', 'lookup'], '-accessor', auth.accessor)).data).toMatchObject({ id: '', accessor: auth.accessor })
    expect((await json(['token', 'renew'], '-increment=2h', auth.client_token)).auth.lease_duration).toBe(7_200)
    expect((await json(['token', 'renew'], '-accessor', auth.accessor)).auth.client_token).toBe('')
    expect((await bao('token', 'capabilities', auth.client_token, 'auth/token/lookup-self')).trim()).toBe('read')
    await bao('token', 'revoke', '-accessor', auth.accessor)
    expect(await tried('token', 'lookup', auth.client_token)).toMatchObject({ code: 2, stderr: expect.stringContaining('Code: 403') })
  })

  test('a child dies with its parent, an orphan does not, and -mode=orphan lets children live', async () => {
    const [parent, saved] = [await child(stand.broker.root, '-policy=root'), await child(stand.broker.root, '-policy=root')]
    const [lost, orphan, kept] = [await child(parent), await child(parent, '-orphan', '-policy=default'), await child(saved)]
    await bao('token', 'revoke', parent)
    await bao('token', 'revoke', '-mode=orphan', saved)
    expect([await isAlive(lost), await isAlive(orphan), await isAlive(kept)]).toEqual([false, true, true])
  })

  test('writes, reads, lists and deletes policies, byte for byte', async () => {
    const text = '# comments stay\npath "db/creds/reader" {\n  capabilities = ["read"]\n}\n'
    const written = await runBao(stand.broker.address, stand.broker.root, stand.home, ['policy', 'write', 'reader', '-'], text)
    expect(written.code).toBe(0)
    expect((await json(['policy', 'read'], 'reader')).policy).toBe(text)
    expect(await json(['policy', 'list'])).toEqual(['default', 'reader', 'root'])
    await bao('policy', 'delete', 'reader')
    expect(await tried('policy', 'read', 'reader')).toMatchObject({ code: 2, stderr: expect.stringContaining('No policy named: reader') })
  })

  test('a token with a policy reads its credential and nothing else', async () => {
    await runBao(
      stand.broker.address,
      stand.broker.root,
      stand.home,
      ['policy', 'write', 'only-creds', '-'],
      'path "db/creds/reader" { capabilities = ["read"] }'
    )
    const { client_token: token } = (await json(['token', 'create'], '-policy=only-creds', '-ttl=1h')).auth
    const { lease_id: id, data } = JSON.parse((await as(token, 'read', '-format=json', 'db/creds/reader')).stdout)
    expect(await stand.mayLogIn(data)).toBe(true)
    expect(await as(token, 'read', 'db/roles/reader')).toMatchObject({ code: 2, stderr: expect.stringContaining('* permission denied') })
    expect(await as(token, 'lease', 'renew', id)).toMatchObject({ code: 0 })
    expect(await as(token, 'token', 'revoke', '-self')).toMatchObject({ code: 0 })
    await expect.poll(() => stand.mayLogIn(data), { timeout: 10_000 }).toBe(false)
  })

  test('enables, lists and disables an audit device, and finds a value in its file', async () => {
    await bao('audit', 'enable', '-path=second', 'file', `file_path=${join(stand.auditFolder, 'second.jsonl')}`)
    expect((await json(['audit', 'list']))['second/']).toMatchObject({ type: 'file', local: false })
    expect((await json(['write'], 'sys/audit-hash/second', 'input=x')).data.hash).toMatch(/^hmac-sha256:[0-9a-f]{64}$/)
    expect(await tried('audit', 'enable', '-path=second', 'file', 'file_path=other')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('path already in use')
    })
    await bao('audit', 'disable', 'second')
    expect(await json(['audit', 'list'])).toEqual({})
  })

  test('disables a mount with its live leases', async () => {
    await bao('secrets', 'enable', '-path=short', 'database')
    await bao('write', 'short/config/app', ...Object.entries(stand.connection).map(([key, value]) => `${key}=${value}`))
    await bao('write', 'short/roles/reader', 'db_name=app', `creation_statements=${creation}`)
    const { data } = await json(['read'], 'short/creds/reader')
    await bao('secrets', 'disable', 'short/')
    expect(await stand.mayLogIn(data)).toBe(false)
    expect(Object.keys(await json(['secrets', 'list']))).not.toContain('short/')
    expect(await tried('read', 'short/roles/reader')).toMatchObject({ code: 2, stderr: expect.stringContaining('No value found') })
  })

  test('initialises, unseals by shares, and seals', async () => {
    await using sealed = await serveSealed()
    const at = (token: string, ...args: readonly string[]) => runBao(sealed.address, token, stand.home, args)
    expect(await at('', 'operator', 'init', '-status')).toMatchObject({ code: 2 })
    const init = JSON.parse((await at('', 'operator', 'init', '-format=json', '-key-shares=3', '-key-threshold=2')).stdout)
    expect(init).toMatchObject({ unseal_shares: 3, unseal_threshold: 2 })
    expect((await at('', 'status')).code).toBe(2)
    const [one, two] = init.unseal_keys_b64 as readonly [string, string]
    expect(JSON.parse((await at('', 'operator', 'unseal', '-format=json', one)).stdout)).toMatchObject({ sealed: true, progress: 1 })
    expect(JSON.parse((await at('', 'operator', 'unseal', '-format=json', '-reset')).stdout)).toMatchObject({ sealed: true, progress: 0 })
    for (const share of [one, two]) expect((await at('', 'operator', 'unseal', share)).code).toBe(0)
    expect((await at('', 'status')).code).toBe(0)
    expect(await at('', 'operator', 'init')).toMatchObject({ code: 2, stderr: expect.stringContaining('Vault is already initialized') })
    expect((await at(init.root_token, 'operator', 'seal')).code).toBe(0)
    expect(await at(init.root_token, 'token', 'lookup')).toMatchObject({ code: 2, stderr: expect.stringContaining('Vault is sealed') })
  })
})

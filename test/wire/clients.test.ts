/** Clients of the Vault HTTP API, unchanged, against a broker and a real PostgreSQL: the `bao` command line, hvac for Python, node-vault for Node. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import vault from 'node-vault'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing, bao, python, pythonMissing } from '../targets/missing.ts'
import { sharedPostgres } from '../targets/shared-postgres.ts'
import type { PostgresAccess } from '../targets/postgres-access.ts'
import { postgresMissing } from '../targets/postgres-binaries.ts'
import { serveInMemory, serveSealed } from './serve-in-memory.ts'
import type { Served } from './serve-in-memory.ts'

const run = promisify(execFile)

let postgres: PostgresAccess
let broker: Served
let home: string

beforeAll(async () => {
  if (postgresMissing() !== undefined && process.env['MAYFLY_REQUIRE'] !== 'all') return
  postgres = await sharedPostgres()
  broker = await serveInMemory()
  home = await mkdtemp(join(tmpdir(), 'mayfly-clients-'))
})
afterAll(async () => {
  await broker?.[Symbol.asyncDispose]()
  await postgres?.[Symbol.asyncDispose]()
  if (home) await rm(home, { recursive: true, force: true })
})

function connection() {
  const { host, port, admin } = postgres
  return {
    plugin_name: 'postgresql-database-plugin',
    allowed_roles: '*',
    connection_url: `postgresql://{{username}}:{{password}}@${host}:${port}/app?sslmode=disable`,
    username: admin.user,
    password: admin.password
  }
}

const creation = `CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' IN ROLE app_ro;`

async function mayLogIn(user: string, password: string): Promise<boolean> {
  return postgres.query('select 1', [], { user, password, database: 'app' }).then(
    () => true,
    () => false
  )
}

async function cli(...args: readonly string[]): Promise<string> {
  const env = { ...process.env, HOME: home, BAO_ADDR: broker.address, BAO_TOKEN: broker.root, VAULT_ADDR: '', VAULT_TOKEN: '' }
  return (await run(bao, args, { env })).stdout
}

async function json(...args: readonly string[]): Promise<any> {
  return JSON.parse(await cli(...args))
}

describe.skipIf(missing(postgresMissing() ?? pythonMissing()))('the bao command line', () => {
  test('logs in, configures a database, reads a credential, renews and revokes its lease', async () => {
    expect(await cli('status')).toContain('Sealed')
    expect((await json('login', '-format=json', '-no-store', broker.root)).auth.policies).toEqual(['root'])
    await cli('secrets', 'enable', '-path=db', 'database')
    expect(Object.keys(await json('secrets', 'list', '-format=json'))).toContain('db/')
    await cli('secrets', 'tune', '-max-lease-ttl=4h', 'db/')
    await cli('write', 'db/config/app', ...Object.entries(connection()).map(([key, value]) => `${key}=${value}`))
    await cli('write', 'db/roles/reader', 'db_name=app', `creation_statements=${creation}`, 'default_ttl=1h')
    expect(await json('list', '-format=json', 'db/roles')).toEqual(['reader'])
    const issued = await json('read', '-format=json', 'db/creds/reader')
    expect(await mayLogIn(issued.data.username, issued.data.password)).toBe(true)
    expect((await json('lease', 'lookup', '-format=json', issued.lease_id)).data.id).toBe(issued.lease_id)
    expect((await json('lease', 'renew', '-format=json', '-increment=30m', issued.lease_id)).lease_duration).toBe(1_800)
    await cli('lease', 'revoke', '-sync', issued.lease_id)
    expect(await mayLogIn(issued.data.username, issued.data.password)).toBe(false)
    const second = await json('read', '-format=json', 'db/creds/reader')
    await cli('lease', 'revoke', '-sync', '-prefix', 'db/creds')
    expect(await mayLogIn(second.data.username, second.data.password)).toBe(false)
    await cli('secrets', 'disable', 'db/')
    expect(Object.keys(await json('secrets', 'list', '-format=json'))).not.toContain('db/')
  })

  test('makes, shows, renews and revokes tokens, and writes policies', async () => {
    await cli('policy', 'write', 'shop', join(import.meta.dirname, 'shop.hcl'))
    expect(await cli('policy', 'read', 'shop')).toContain('database/creds/shop')
    expect(await json('policy', 'list', '-format=json')).toContain('shop')
    const made = await json('token', 'create', '-format=json', '-policy=shop', '-ttl=1h', '-display-name=ci')
    const looked = await json('token', 'lookup', '-format=json', made.auth.client_token)
    expect(looked.data).toMatchObject({ display_name: 'token-ci', policies: ['default', 'shop'] })
    expect((await cli('token', 'capabilities', made.auth.client_token, 'database/creds/shop')).trim()).toBe('read')
    expect((await json('token', 'renew', '-format=json', '-increment=2h', made.auth.client_token)).auth.lease_duration).toBe(7_200)
    await cli('token', 'revoke', made.auth.client_token)
    await expect(cli('token', 'lookup', made.auth.client_token)).rejects.toMatchObject({ stderr: expect.stringContaining('403') })
  })

  test('initialises, unseals and seals', async () => {
    await using sealed = await serveSealed()
    const there = async (token: string, ...args: readonly string[]) => {
      const env = { ...process.env, HOME: home, BAO_ADDR: sealed.address, BAO_TOKEN: token }
      return run(bao, args, { env }).then(
        ({ stdout }) => ({ code: 0, stdout }),
        (error: { code: number; stdout: string }) => ({ code: error.code, stdout: error.stdout })
      )
    }
    const made = JSON.parse((await there('', 'operator', 'init', '-format=json', '-key-shares=3', '-key-threshold=2')).stdout)
    expect((await there('', 'status')).code).toBe(2)
    for (const key of made.unseal_keys_b64.slice(0, 2)) expect((await there('', 'operator', 'unseal', key)).code).toBe(0)
    expect((await there('', 'status')).code).toBe(0)
    expect((await there(made.root_token, 'operator', 'seal')).code).toBe(0)
    expect((await there('', 'status')).code).toBe(2)
  })
})

test.skipIf(missing(postgresMissing() ?? pythonMissing()))('hvac walks through sys, tokens, policies and a database', async () => {
  const env = { ...process.env, MAYFLY: JSON.stringify({ url: broker.address, token: broker.root, connection: connection(), creation }) }
  const { stdout } = await run(python, [join(import.meta.dirname, 'hvac-walk.py')], { env })
  const issued = JSON.parse(stdout) as { kept: { username: string; password: string }; revoked: { username: string; password: string } }
  expect(await mayLogIn(issued.kept.username, issued.kept.password)).toBe(true)
  expect(await mayLogIn(issued.revoked.username, issued.revoked.password)).toBe(false)
})

test.skipIf(missing(postgresMissing()))('node-vault lists, writes, reads and revokes', async () => {
  const client = vault({ endpoint: broker.address, token: broker.root })
  expect((await client.health()).sealed).toBe(false)
  await client.mount({ mount_point: 'nv', type: 'database' })
  await client.write('nv/config/app', connection())
  await client.write('nv/roles/reader', { db_name: 'app', creation_statements: creation, default_ttl: '1h' })
  expect((await client.list('nv/roles')).data.keys).toEqual(['reader'])
  const issued = await client.read('nv/creds/reader')
  expect(await mayLogIn(issued.data.username, issued.data.password)).toBe(true)
  await client.write('sys/leases/renew', { lease_id: issued.lease_id, increment: 600 })
  await client.write('sys/leases/revoke', { lease_id: issued.lease_id })
  expect(await mayLogIn(issued.data.username, issued.data.password)).toBe(false)
  await expect(client.read('nv/creds/nobody')).rejects.toThrow('unknown role: nobody')
  await client.unmount({ mount_point: 'nv' })
})

/** AppRole as the clients of the wire speak it, unchanged: hvac, node-vault, the `bao` command and its agent. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import vault from 'node-vault'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { usersOf } from '../../plugins/memory/target.ts'
import { bao, missing, pythonMissing } from '../targets/missing.ts'
import { runBao, runPython } from './client-stand.ts'
import { serveInMemory } from './serve-in-memory.ts'
import type { Served } from './serve-in-memory.ts'

let broker: Served
let home: string
const role = 'auth/approle/role/shop'

beforeAll(async () => {
  broker = await serveInMemory()
  home = await mkdtemp(join(tmpdir(), 'mayfly-approle-'))
  await broker.ask('POST', 'sys/mounts/users', { type: 'memory' })
  await broker.ask('POST', 'users/config', { path: join(home, 'users.db') })
  // Short, so that an agent renews soon; a third of it is room for a machine that is busy.
  await broker.ask('POST', 'users/roles/app', { default_ttl: '9s', max_ttl: '1h' })
  await broker.ask('PUT', 'sys/policies/acl/app', { policy: 'path "users/creds/app" { capabilities = ["read"] }' })
  await broker.ask('POST', 'sys/auth/approle', { type: 'approle' })
  await broker.ask('POST', role, { token_policies: 'app', token_ttl: '1h' })
})
afterAll(async () => {
  await broker[Symbol.asyncDispose]()
  await rm(home, { recursive: true })
})

async function halves(): Promise<{ readonly role_id: string; readonly secret_id: string }> {
  const { role_id } = (await broker.ask('GET', `${role}/role-id`)).json['data']
  const { secret_id } = (await broker.ask('POST', `${role}/secret-id`, {})).json['data']
  return { role_id, secret_id }
}

test('a login answers in the envelope of the wire, and its refusals in the errors of the wire', async () => {
  const proof = await halves()
  const login = await broker.ask('POST', 'auth/approle/login', proof, '')
  expect(login).toMatchObject({ status: 200, type: 'application/json' })
  expect(Object.keys(login.json)).toEqual([
    'request_id',
    'lease_id',
    'renewable',
    'lease_duration',
    'data',
    'wrap_info',
    'warnings',
    'auth'
  ])
  expect(Object.keys(login.json['auth']).toSorted()).toEqual([
    'accessor',
    'client_token',
    'entity_id',
    'lease_duration',
    'metadata',
    'mfa_requirement',
    'num_uses',
    'orphan',
    'policies',
    'renewable',
    'token_policies',
    'token_type'
  ])
  const ask = async (body: unknown, path = 'auth/approle/login', token = '') => {
    const { status, body: text } = await broker.ask('POST', path, body, token)
    return [status, text]
  }
  expect(await ask({ ...proof, secret_id: 'wrong' })).toEqual([400, '{"errors":["invalid role or secret ID"]}\n'])
  expect(await ask({ ...proof, role_id: 'wrong' })).toEqual([400, '{"errors":["invalid role or secret ID"]}\n'])
  expect(await ask({ role_id: proof.role_id })).toEqual([400, '{"errors":["missing secret_id"]}\n'])
  expect(await ask({})).toEqual([400, '{"errors":["missing role_id"]}\n'])
  expect(await ask(proof, 'auth/nothing/login')).toEqual([403, '{"errors":["permission denied"]}\n'])
  expect((await ask(proof, 'auth/approle/login', 's.anOldTokenThatIsLongGone00000'))[0]).toBe(200)
  expect((await ask({ role_id: [1], secret_id: {} }))[0]).toBe(400)
})

test('a login is wrapped like every reply, and its token lives from the opening on', async () => {
  const reply = await fetch(`${broker.address}/v1/auth/approle/login`, {
    method: 'POST',
    headers: { 'X-Vault-Wrap-TTL': '60s' },
    body: JSON.stringify(await halves())
  })
  const { auth, wrap_info } = (await reply.json()) as { auth: null; wrap_info: { token: string; wrapped_accessor: string } }
  expect(auth).toBeNull()
  const opened = await broker.ask('POST', 'sys/wrapping/unwrap', {}, wrap_info.token)
  expect(opened.json['auth']).toMatchObject({ accessor: wrap_info.wrapped_accessor, policies: ['app', 'default'] })
  expect((await broker.ask('GET', 'auth/token/lookup-self', undefined, opened.json['auth'].client_token)).status).toBe(200)
})

test('node-vault logs in, and goes on with its new token', async () => {
  const operator = vault({ endpoint: broker.address, token: broker.root })
  await operator.addApproleRole({ role_name: 'nv', policies: 'app', token_ttl: 1_200 })
  expect((await operator.approleRoles()).data.keys).toContain('nv')
  const { role_id } = (await operator.getApproleRoleId({ role_name: 'nv' })).data
  const { secret_id } = (await operator.getApproleRoleSecret({ role_name: 'nv' })).data
  const client = vault({ endpoint: broker.address })
  const { auth } = await client.approleLogin({ role_id, secret_id })
  expect(auth).toMatchObject({ policies: ['app', 'default'], lease_duration: 1_200 })
  expect(client.token).toBe(auth.client_token)
  expect((await client.read('users/creds/app')).lease_id).toContain('users/creds/app/')
  await expect(client.approleLogin({ role_id, secret_id: 'wrong' })).rejects.toThrow('invalid role or secret ID')
  await operator.deleteApproleRole({ role_name: 'nv' })
  await expect(client.tokenRenewSelf()).rejects.toMatchObject({ response: { statusCode: 400 } })
})

describe.skipIf(missing(pythonMissing()))('clients in Python and Go', () => {
  test('hvac sets up, logs in, and takes all of it away', async () => {
    expect(await runPython('hvac-approle.py', { url: broker.address, token: broker.root })).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  test('the bao command enables, writes, logs in and disables', async () => {
    const root = (...args: readonly string[]) => as(broker.root, ...args)
    await root('auth', 'enable', '-path=bao', '-description=apps', '-default-lease-ttl=30m', 'approle')
    expect(await root('auth', 'list')).toMatch(/bao\/ +approle +auth_approle_[0-9a-f]{8} +apps/)
    await root('auth', 'tune', '-user-lockout-threshold=3', 'bao/')
    await root('write', 'auth/bao/role/shop', 'token_policies=app', 'secret_id_num_uses=1')
    const role_id = await root('read', '-field=role_id', 'auth/bao/role/shop/role-id')
    const secret_id = await root('write', '-force', '-field=secret_id', 'auth/bao/role/shop/secret-id')
    const login = JSON.parse(await as('', 'write', '-format=json', 'auth/bao/login', `role_id=${role_id}`, `secret_id=${secret_id}`))
    expect(login.auth).toMatchObject({ lease_duration: 1_800, metadata: { role_name: 'shop' }, token_policies: ['app', 'default'] })
    expect(await as(login.auth.client_token, 'read', '-field=username', 'users/creds/app')).toMatch(/^m-/)
    await expect(as('', 'write', 'auth/bao/login', `role_id=${role_id}`, `secret_id=${secret_id}`)).rejects.toThrow(
      'invalid role or secret ID'
    )
    await root('auth', 'disable', 'bao')
    await expect(as(login.auth.client_token, 'token', 'lookup')).rejects.toThrow('permission denied')
  })

  test('its agent logs in by role id and secret id, and keeps a credential alive with the token', async () => {
    const { role_id, secret_id } = await halves()
    writeFileSync(file('role-id'), role_id)
    writeFileSync(file('secret-id'), secret_id)
    writeFileSync(file('agent.hcl'), agentConfig())
    rmSync(file('rendered.json'), { force: true })
    await using _agent = startAgent(file('agent.hcl'))
    const username = await rendered()
    // The file of the secret id is gone: nobody reads it after the agent.
    expect(existsSync(file('secret-id'))).toBe(false)
    const there = () => usersOf(file('users.db')).some(({ name }) => name === username)
    expect(there()).toBe(true)
    const { holdings } = (await broker.ask('GET', 'sys/holdings')).json['data']
    const mine = holdings.find((holding: any) => holding.visible.username === username)
    expect(mine).toMatchObject({ display_name: 'approle-shop' })
    const renewed = async () =>
      Date.parse((await broker.ask('PUT', 'sys/leases/lookup', { lease_id: mine.lease_id ?? mine.id })).json['data'].last_renewal ?? '')
    await expect.poll(renewed).toBeGreaterThan(Date.parse(mine.issue_time) + 1_000)
    expect(there()).toBe(true)
  })

  test('its agent opens a wrapped secret id, which only it can have opened', async () => {
    const { role_id } = await halves()
    const reply = await fetch(`${broker.address}/v1/${role}/secret-id`, {
      method: 'POST',
      headers: { 'X-Vault-Token': broker.root, 'X-Vault-Wrap-TTL': '60s' }
    })
    const { wrap_info } = (await reply.json()) as { wrap_info: { token: string; creation_path: string } }
    expect(wrap_info.creation_path).toBe(`${role}/secret-id`)
    writeFileSync(file('role-id'), role_id)
    writeFileSync(file('secret-id'), wrap_info.token)
    writeFileSync(file('agent.hcl'), agentConfig(true))
    rmSync(file('rendered.json'), { force: true })
    await using _agent = startAgent(file('agent.hcl'))
    expect(await rendered()).toMatch(/^m-/)
    expect((await broker.ask('POST', 'sys/wrapping/lookup', { token: wrap_info.token })).status).toBe(400)
  })
})

/** What the command printed; anything but success is an error. */
async function as(token: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runBao(broker.address, token, home, args)
  if (code !== 0) throw new Error(`bao ${args.slice(0, 3).join(' ')}: ${code} ${stderr}`)
  return stdout
}

/** What stands in the agent's file, once it is there. */
async function rendered(): Promise<string> {
  await expect.poll(() => existsSync(file('rendered.json'))).toBe(true)
  return (JSON.parse(readFileSync(file('rendered.json'), 'utf8')) as { username: string }).username
}

function file(name: string): string {
  return join(home, name)
}

function agentConfig(wrapped = false): string {
  return `
    vault { address = "${broker.address}" }
    auto_auth {
      method "approle" {
        config = {
          role_id_file_path = "${file('role-id')}"
          secret_id_file_path = "${file('secret-id')}"
          ${wrapped ? `secret_id_response_wrapping_path = "${role}/secret-id"` : ''}
        }
      }
    }
    template {
      contents = "{{ with secret \\"users/creds/app\\" }}{{ .Data | toJSON }}{{ end }}"
      destination = "${file('rendered.json')}"
    }`
}

function startAgent(config: string): AsyncDisposable {
  const child = spawn(bao, ['agent', `-config=${config}`], { env: { HOME: home, PATH: process.env['PATH'] }, stdio: 'ignore' })
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    }
  }
}

/** Response wrapping by those who use it: the bytes, and unchanged clients. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import vault from 'node-vault'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { usersOf } from '../../plugins/memory/target.ts'
import { missing, pythonMissing } from '../targets/missing.ts'
import { runBao, runPython } from './client-stand.ts'
import { serveInMemory } from './serve-in-memory.ts'
import type { Served } from './serve-in-memory.ts'

let broker: Served
let home: string
let users: string

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'mayfly-wrapping-'))
  users = join(home, 'users.db')
  broker = await serveInMemory()
  await broker.ask('POST', 'sys/mounts/users', { type: 'memory' })
  await broker.ask('POST', 'users/config', { path: users })
  await broker.ask('POST', 'users/roles/app', { default_ttl: '1h', max_ttl: '4h' })
})
afterAll(async () => {
  await broker[Symbol.asyncDispose]()
  await rm(home, { recursive: true, force: true })
})

async function wrap(path: string, ttl: string, token = broker.root): Promise<any> {
  const reply = await fetch(`${broker.address}/v1/${path}`, { headers: { 'X-Vault-Token': token, 'X-Vault-Wrap-TTL': ttl } })
  expect([reply.status, reply.headers.get('cache-control')]).toEqual([200, 'no-store'])
  return reply.json()
}

const notValid = { status: 400, json: { errors: ['wrapping token is not valid or does not exist'] } }

test('a wrapped reply has the eight keys, and only its wrapping speaks', async () => {
  const reply = await wrap('users/creds/app', '5m')
  expect(reply).toEqual({
    request_id: '',
    lease_id: '',
    renewable: false,
    lease_duration: 0,
    data: null,
    wrap_info: {
      token: expect.stringMatching(/^s\.[0-9A-Za-z]{26}$/),
      accessor: expect.stringMatching(/^[0-9A-Za-z]{24}$/),
      ttl: 300,
      creation_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
      creation_path: 'users/creds/app'
    },
    warnings: null,
    auth: null
  })
  const opened = await broker.ask('PUT', 'sys/wrapping/unwrap', null, reply.wrap_info.token)
  expect(opened.json).toMatchObject({
    request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    lease_id: expect.stringMatching(/^users\/creds\/app\//),
    renewable: true,
    wrap_info: null
  })
  expect(Object.keys(opened.json['data'])).toEqual(['username', 'password'])
  expect(await broker.ask('PUT', 'sys/wrapping/unwrap', null, reply.wrap_info.token)).toMatchObject(notValid)
})

test('a receiver looks at the path before it opens, by the header as Agent does', async () => {
  const { token } = (await wrap('users/roles/app', '60')).wrap_info
  for (const look of [
    broker.ask('GET', 'sys/wrapping/lookup', undefined, token),
    broker.ask('POST', 'sys/wrapping/lookup', { token }, ''),
    broker.ask('POST', 'sys/wrapping/lookup', {}, token)
  ])
    expect((await look).json['data']).toEqual({ creation_path: 'users/roles/app', creation_ttl: 60, creation_time: expect.any(String) })
  expect((await broker.ask('PUT', 'sys/wrapping/unwrap', {}, token)).status).toBe(200)
})

test('without any token nobody is told anything; with a dead one everybody is', async () => {
  const { token } = (await wrap('users/roles/app', '60')).wrap_info
  const empty = { status: 403, json: { errors: ['error validating wrapping token: token is empty'] } }
  expect(await broker.ask('POST', 'sys/wrapping/unwrap', {}, '')).toMatchObject(empty)
  expect(await broker.ask('GET', 'sys/wrapping/lookup', undefined, '')).toMatchObject(empty)
  const refused = { status: 403, json: { errors: ['permission denied'] } }
  expect(await broker.ask('POST', 'sys/wrapping/unwrap', { token }, '')).toMatchObject(refused)
  await broker.ask('POST', 'sys/wrapping/unwrap', { token })
  for (const by of ['', broker.root, token, 's.unknown'])
    expect(await broker.ask('POST', 'sys/wrapping/unwrap', { token }, by)).toMatchObject(notValid)
})

test('on any other path a wrapping token is refused and spent, and what it held is revoked', async () => {
  const before = usersOf(users).length
  const { token } = (await wrap('users/creds/app', '60')).wrap_info
  expect(usersOf(users)).toHaveLength(before + 1)
  expect((await broker.ask('GET', 'auth/token/lookup-self', undefined, token)).status).toBe(403)
  expect(await broker.ask('PUT', 'sys/wrapping/unwrap', null, token)).toMatchObject(notValid)
  await expect.poll(() => usersOf(users).length, { timeout: 10_000 }).toBe(before)
})

test('the cubbyhole is a mount that is there and cannot be taken away', async () => {
  const { data } = (await broker.ask('GET', 'sys/mounts')).json
  expect(data['cubbyhole/']).toMatchObject({
    type: 'cubbyhole',
    description: 'per-token private secret storage',
    local: true,
    options: null
  })
  expect((await broker.ask('DELETE', 'sys/mounts/cubbyhole')).json).toEqual({ errors: ['cannot unmount "cubbyhole/"'] })
  expect((await broker.ask('PUT', 'cubbyhole/a/b', { v: 'x', n: 3 })).status).toBe(204)
  expect((await broker.ask('GET', 'cubbyhole/a/b')).json['data']).toEqual({ v: 'x', n: 3 })
  expect((await broker.ask('GET', 'cubbyhole?list=true')).json['data']).toEqual({ keys: ['a/'] })
  expect((await broker.ask('DELETE', 'cubbyhole/a/b')).status).toBe(204)
  expect(await broker.ask('GET', 'cubbyhole/a/b')).toMatchObject({ status: 404, body: '{"errors":[]}\n' })
})

test('node-vault wraps by a header and unwraps by either way', async () => {
  const client = vault({ endpoint: broker.address, token: broker.root })
  const wrapped = async () =>
    (await client.request({ path: '/users/creds/app', method: 'GET', headers: { 'X-Vault-Wrap-TTL': '60s' } })).wrap_info.token as string
  const [one, two] = [await wrapped(), await wrapped()]
  expect((await client.unwrap({ token: one })).data).toMatchObject({ username: expect.any(String) })
  const receiver = vault({ endpoint: broker.address, token: two })
  expect((await receiver.unwrap()).data).toMatchObject({ username: expect.any(String) })
  await expect(receiver.unwrap()).rejects.toThrow('wrapping token is not valid or does not exist')
})

const bao = (token: string, ...args: string[]) => runBao(broker.address, token, home, args)
const json = async (token: string, ...args: string[]) => JSON.parse((await bao(token, ...args)).stdout)

describe.skipIf(missing(pythonMissing()))('unchanged clients', () => {
  test('bao wraps a credential, and somebody else opens it', async () => {
    const { wrap_info } = await json(broker.root, 'read', '-format=json', '-wrap-ttl=60s', 'users/creds/app')
    expect(wrap_info).toMatchObject({ ttl: 60, creation_path: 'users/creds/app' })
    const opened = await json(wrap_info.token, 'unwrap', '-format=json')
    expect(opened).toMatchObject({ lease_id: expect.stringMatching(/^users\/creds\/app\//), data: { username: expect.any(String) } })
    expect(await bao(wrap_info.token, 'unwrap')).toMatchObject({ code: 2, stderr: expect.stringContaining('wrapping token is not valid') })
  })

  test('bao opens with a token of its own, and shows what a table shows', async () => {
    const { stdout } = await bao(broker.root, 'write', '-wrap-ttl=2m', 'sys/wrapping/wrap', 'a=b')
    const token = /^wrapping_token: +(\S+)$/m.exec(stdout)?.[1] ?? ''
    expect(stdout).toMatch(/^wrapping_token_creation_path: +sys\/wrapping\/wrap$/m)
    expect((await bao(broker.root, 'unwrap', '-field=a', token)).stdout.trim()).toBe('b')
  })

  test('bao makes a wrapped token, and logs in by it', async () => {
    const { wrap_info } = await json(broker.root, 'token', 'create', '-format=json', '-ttl=1h', '-wrap-ttl=60s')
    const { auth } = await json(wrap_info.token, 'unwrap', '-format=json')
    expect(auth.accessor).toBe(wrap_info.wrapped_accessor)
    expect((await bao(auth.client_token, 'token', 'lookup')).code).toBe(0)
  })

  test('bao reads and writes a cubbyhole', async () => {
    expect((await bao(broker.root, 'write', 'cubbyhole/mine', 'a=b')).code).toBe(0)
    expect((await bao(broker.root, 'read', '-field=a', 'cubbyhole/mine')).stdout.trim()).toBe('b')
    expect((await bao(broker.root, 'list', '-format=json', 'cubbyhole')).stdout).toContain('"mine"')
    expect((await bao(broker.root, 'delete', 'cubbyhole/mine')).code).toBe(0)
  })

  test('hvac wraps, opens, and is told what is dead', async () => {
    expect(await runPython('hvac-wrapping.py', { url: broker.address, token: broker.root })).toEqual({ code: 0, stdout: '', stderr: '' })
  })
})

/** Who gets an answer where: every route of the tables, by every method, over the wire. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { Barrier } from '../../src/seal/barrier.ts'
import { serve } from '../../src/serve.ts'
import type { Running } from '../../src/serve.ts'
import { Api } from '../crash/api.ts'
import { routesOf, ways } from './route-walk.ts'
import type { WalkedRoute } from './route-walk.ts'
import { toldState } from './told-state.ts'

const life = ['sys/health', 'sys/init', 'sys/leader', 'sys/seal-status', 'sys/unseal']
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }

let folder: string
let running: Running
let root: Api
let share: string
let routes: readonly WalkedRoute[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-routes-'))
  await mkdir(join(folder, 'audit'))
  running = await start()
  root = new Api(`http://127.0.0.1:${running.listener.port}`)
  const { keys, root_token: token } = await root.must('PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 })
  share = keys[0]
  root.token = token
  await root.must('PUT', 'sys/unseal', { key: share })
  routes = routesOf(running, await fill())
})
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

function start(): Promise<Running> {
  const listener = { address: '127.0.0.1:0', tls: 'off' }
  const config = parseConfig(JSON.stringify({ listener, storage: { sqlite: { path: './data' } }, audit_dir: './audit' }), folder)
  return serve(config, { log: quiet, folder })
}

/** Something stands at every path that can have something; the names that are not `there`. */
async function fill() {
  await root.must('PUT', 'sys/policies/acl/there', { policy: 'path "a" { capabilities = ["read"] }' })
  await root.must('PUT', 'sys/audit/there', { type: 'file', options: { file_path: 'there.jsonl' } })
  await root.must('POST', 'sys/mounts/users', { type: 'memory' })
  await root.must('POST', 'users/config', { path: join(folder, 'users.db') })
  await root.must('POST', 'users/roles/there', { default_ttl: '1h' })
  await root.must('POST', 'sys/mounts/database', { type: 'database' })
  const connection = {
    plugin_name: 'postgresql',
    host: 'db.example.com',
    username: 'u',
    password: 'p',
    verify_connection: false,
    allowed_roles: '*'
  }
  await root.must('POST', 'database/config/there', connection)
  await root.must('POST', 'database/roles/there', { db_name: 'there', member_of: 'g' })
  await root.must('POST', 'sys/auth/approle', { type: 'approle' })
  await root.must('POST', 'auth/approle/role/there', { token_policies: 'there' })
  await root.must('POST', 'auth/approle/role/there/secret-id', {})
  const { lease_id: lease } = await root.must('GET', 'users/creds/there')
  const ofLeases = ['renew/*id', 'revoke/*id', 'lookup/*prefix', 'revoke-prefix/*prefix', 'revoke-force/*prefix']
  return {
    'sys/mounts/*path': 'users',
    'sys/mounts/*path/tune': 'users',
    'sys/auth/*path': 'token',
    'sys/auth/*path/tune': 'token',
    ...Object.fromEntries(ofLeases.map(pattern => [`sys/leases/${pattern}`, lease]))
  }
}

/** Asks every route in every way; what does not end as it should. */
async function walk(token: string, expected: Expected): Promise<readonly string[]> {
  const wrong: string[] = []
  for (const route of routes)
    for (const [method, rest] of ways) {
      const bodies: string[] = []
      for (const path of [route.there, route.absent]) {
        const { status, body } = await askWith(token, method, path + rest)
        bodies.push(`${status} ${body.replaceAll(path, '')}`)
        if (!expected(route, status, body)) wrong.push(`${method} ${path}${rest}: ${status} ${body}`)
      }
      if (!route.open && bodies[0] !== bodies[1])
        wrong.push(`${method} ${route.pattern}: one body where something is, another where nothing is`)
    }
  return wrong
}

async function askWith(token: string, method: string, path: string) {
  const type = method === 'PATCH' ? { 'Content-Type': 'application/merge-patch+json' } : {}
  const reply = await fetch(`${root.address}/v1/${path}`, {
    method,
    headers: { ...type, ...(token === '' ? {} : { 'X-Vault-Token': token }) },
    ...(['PUT', 'POST', 'PATCH'].includes(method) ? { body: '{}' } : {})
  })
  return { status: reply.status, body: await reply.text() }
}

type Expected = (route: WalkedRoute, status: number, body: string) => boolean

const denied = '{"errors":["permission denied"]}\n'
const deniedByPolicy = '{"errors":["1 error occurred:\\n\\t* permission denied\\n\\n"]}\n'

// A wrapping token that does not open is told of to anybody, before it is asked who they are: whoever was to open it must learn that somebody else was there.
const aboutWrapping = ({ pattern }: WalkedRoute) => /^sys\/wrapping\/(lookup|unwrap|rewrap)$/.test(pattern)
const noWrapping = (status: number, body: string) =>
  (status === 400 && body === '{"errors":["wrapping token is not valid or does not exist"]}\n') ||
  (status === 403 && body === '{"errors":["error validating wrapping token: token is empty"]}\n')

// Who logs in may hold an old token: nobody looks at it. Without a proof there is nothing but a refusal.
const login = ({ pattern }: WalkedRoute) => /^auth\/\w+\/login$/.test(pattern)
const noLogin = (status: number, body: string) =>
  (status === 400 && body === '{"errors":["missing role_id"]}\n') || (status === 405 && body.includes('unsupported operation'))

const unknown: Expected = (route, status, body) =>
  login(route) ? noLogin(status, body) : aboutWrapping(route) ? noWrapping(status, body) : status === 403 && body === denied
// The readers of open paths check by themselves; their other methods are 405.
const closed: Expected = (route, status, body) => (route.open ? status < 500 : unknown(route, status, body))
const powerless: Expected = (route, status, body) =>
  aboutWrapping(route)
    ? noWrapping(status, body)
    : route.open
      ? status < 500
      : (status === 403 && body === deniedByPolicy) || (status === 405 && body.includes('unsupported operation'))
const sealed: Expected = (_, status, body) => status === 503 && body === '{"errors":["Vault is sealed"]}\n'

test('the tables are those of sys/, of tokens, of AppRole, of cubbyhole/ and of both built-in backends', () => {
  const mounts = ['sys/', 'auth/token/', 'auth/approle/', 'users/', 'database/']
  for (const mount of mounts) expect(routes.filter(({ pattern }) => pattern.startsWith(mount)).length).toBeGreaterThan(4)
  expect(routes.map(({ pattern }) => pattern).filter(pattern => !mounts.some(mount => pattern.startsWith(mount)))).toEqual([
    'cubbyhole/*path'
  ])
})

test('what answers without a token', () => {
  expect([...life, ...routes.filter(({ open }) => open).map(({ pattern }) => pattern)]).toMatchInlineSnapshot(`
    [
      "sys/health",
      "sys/init",
      "sys/leader",
      "sys/seal-status",
      "sys/unseal",
      "auth/approle/login",
      "sys/wrapping/lookup",
      "sys/internal/ui/mounts",
      "sys/internal/ui/mounts/*path",
      "sys/internal/help/*path",
    ]
  `)
})

test('row 37: every other route, by every method, is 403 without a token, and with one that is none', async () => {
  const before = await toldState(root)
  expect(await walk('', closed)).toEqual([])
  expect(await walk('s.AAAAAAAAAAAAAAAAAAAAAAAAAA', unknown)).toEqual([])
  expect(await toldState(root)).toEqual(before)
})

test('a token without rights gets 403 everywhere, in one body, whether something is there or not', async () => {
  const { auth } = await root.must('POST', 'auth/token/create', { policies: ['powerless'], no_default_policy: true })
  const before = await toldState(root)
  expect(await walk(auth.client_token, powerless)).toEqual([])
  expect(await toldState(root)).toEqual(before)
})

test('sealed, every route is 503 with any token and without, nothing is decrypted, and only the life routes answer', async () => {
  await root.must('PUT', 'sys/seal')
  await expect.poll(async () => (await root.ask('GET', 'sys/mounts')).status).toBe(503)
  await sealedEverywhere()
  // Not only after keys were there: also in a process that never had them.
  await running[Symbol.asyncDispose]()
  running = await start()
  root = new Api(`http://127.0.0.1:${running.listener.port}`, root.token)
  await sealedEverywhere()
  await root.must('PUT', 'sys/unseal', { key: share })
  const used = spied()
  expect((await root.ask('GET', 'sys/mounts')).status).toBe(200)
  expect(used()).toBeGreaterThan(0)
})

/** How often the barrier was used from now on. */
function spied(): () => number {
  const spies = (['open', 'seal', 'mac', 'macHex'] as const).map(method => vi.spyOn(Barrier.prototype, method))
  return () => {
    const count = spies.flatMap(spy => spy.mock.calls).length
    for (const spy of spies) spy.mockRestore()
    return count
  }
}

async function sealedEverywhere(): Promise<void> {
  const used = spied()
  for (const token of ['', root.token, 's.none']) expect(await walk(token, sealed)).toEqual([])
  expect(used()).toBe(0)
  for (const path of life.filter(path => path !== 'sys/unseal' && path !== 'sys/health'))
    expect((await root.ask('GET', path)).status).toBe(200)
  expect((await root.ask('GET', 'sys/health')).status).toBe(503)
}

/** SSH over HTTP: what hosts and engineers send, and the clients that they have. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from '../../src/contracts/index.ts'
import { ssh } from '../../plugins/ssh/index.ts'
import { parseKrl } from '../../plugins/ssh/format/parse-krl.ts'
import { newKeyLine } from '../plugins/ssh/mount.ts'
import { missing, pythonMissing } from '../targets/missing.ts'
import { makeKey, sshdMissing } from '../targets/sshd-programs.ts'
import { ssh as runSsh } from '../targets/ssh-client.ts'
import { SshdServer } from '../targets/sshd-server.ts'
import { runBao, runPython } from './client-stand.ts'
import { serveInMemory } from './serve-in-memory.ts'
import type { Served } from './serve-in-memory.ts'

const role = { key_type: 'ca', allow_user_certificates: true, allowed_users: '*', default_user: 'alice', ttl: '10m' }

let broker: Served
beforeAll(async () => {
  broker = await serveInMemory()
  await broker.ask('POST', 'sys/mounts/certs', { type: 'ssh' })
  await broker.ask('POST', 'certs/config/ca', {})
  await broker.ask('POST', 'certs/roles/app', role)
})
afterAll(() => broker[Symbol.asyncDispose]())

const get = (path: string, headers: Record<string, string> = {}) => fetch(`${broker.address}/v1/certs/${path}`, { headers })

test('a certificate comes in the envelope, with its lease', async () => {
  const { status, json } = await broker.ask('POST', 'certs/sign/app', { public_key: newKeyLine() })
  expect(status).toBe(200)
  expect(json).toMatchObject({
    renewable: false,
    lease_duration: 600,
    lease_id: expect.stringMatching(/^certs\/sign\/app\//),
    wrap_info: null,
    auth: null
  })
  expect(Object.keys(json['data']).toSorted()).toEqual(['issuer_id', 'serial', 'serial_number', 'signed_key'])
})

test('who has the list is told so, and who has another gets it', async () => {
  await expect.poll(async () => (await get('krl')).status, { timeout: 10_000 }).toBe(200)
  const [list, signature] = [await get('krl'), await get('krl.sig')]
  const tag = list.headers.get('etag')!
  const { version } = parseKrl(Buffer.from(await list.arrayBuffer()))
  expect(list.headers.get('content-type')).toBe('application/octet-stream')
  expect(tag).toBe(`"${version}"`)
  expect(await signature.text()).toMatch(/^-----BEGIN SSH SIGNATURE-----\n/)
  for (const asked of [tag, `W/${tag}`, `"1", ${tag}`, '*']) {
    const again = await get('krl', { 'if-none-match': asked })
    expect([again.status, again.headers.get('etag'), await again.text()]).toEqual([304, tag, ''])
  }
  for (const asked of ['"1"', version.toString(), '']) expect((await get('krl', { 'if-none-match': asked })).status).toBe(200)
})

test('what anybody may ask is this, and nothing else', async () => {
  const backend = await ssh.open({ clock: {}, storage: {} } as never)
  const open = backend.paths
    .filter(path => path.open)
    .map(
      ({ pattern, read, write, delete: remove, list }) =>
        `${pattern} ${Object.entries({ read, write, remove, list })
          .flatMap(([verb, does]) => (does ? [verb] : []))
          .join(' ')}`
    )
  expect(open.toSorted()).toMatchInlineSnapshot(`
    [
      "host-script read",
      "host-script/principals read",
      "host-script/session read",
      "hosts/:host/enroll write",
      "hosts/:host/leave write",
      "hosts/:host/logins write",
      "hosts/:host/nonce read",
      "hosts/:host/principals write",
      "hosts/:host/renew write",
      "hosts/:host/report write",
      "hosts/:host/sessions write",
      "issuer/:issuer_ref/public_key read",
      "krl read",
      "krl.sig read",
      "krl/news read",
      "krl/signer read",
      "public_key read",
      "trusted_user_keys read",
      "verify write",
    ]
  `)
  expect(backend.paths.every(({ fields }) => fields instanceof z.ZodObject)).toBe(true)
})

test('signing and revoking are rights of their own', async () => {
  await broker.ask('PUT', 'sys/policy/signer', { policy: 'path "certs/sign/app" { capabilities = ["update"] }' })
  const { auth } = (await broker.ask('POST', 'auth/token/create', { policies: ['signer'] })).json
  const as = (path: string, body: unknown = {}) => broker.ask('POST', path, body, auth.client_token)
  expect((await as('certs/sign/app', { public_key: newKeyLine() })).status).toBe(200)
  for (const path of [
    'certs/sign/other',
    'certs/issue/app',
    'certs/revoke',
    'certs/config/ca',
    'certs/roles/app',
    'certs/issuers/import',
    'certs/principals',
    'certs/usage'
  ])
    expect([path, (await as(path)).status]).toEqual([path, 403])
})

test.skipIf(missing(pythonMissing()))('hvac walks through the whole engine', async () => {
  const ended = await runPython('hvac-ssh.py', { url: broker.address, token: broker.root, key: newKeyLine() })
  expect(ended).toEqual({ code: 0, stdout: '', stderr: '' })
})

describe.skipIf(missing(sshdMissing() ?? pythonMissing()))('an engineer and a host', () => {
  let [home, key] = ['', '']
  let sshd: SshdServer
  const pull = async () => writeFile(join(home, 'krl'), Buffer.from(await (await fetch(`${broker.address}/v1/certs/krl`)).arrayBuffer()))

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'mayfly-wire-ssh-'))
    key = join(home, 'id_ed25519')
    makeKey(key)
    await writeFile(join(home, 'trusted'), await (await fetch(`${broker.address}/v1/certs/public_key`)).text())
    await pull()
    sshd = await SshdServer.start([`TrustedUserCAKeys ${home}/trusted`, `RevokedKeys ${home}/krl`])
    const allowed_extensions = ['X11-forwarding', 'agent-forwarding', 'port-forwarding', 'pty', 'user-rc'].map(name => `permit-${name}`)
    await broker.ask('POST', 'certs/roles/shell', { ...role, allowed_extensions })
  })
  afterAll(async () => {
    await sshd[Symbol.asyncDispose]()
    await rm(home, { recursive: true, force: true })
  })

  test('the bao command logs in', async () => {
    const how = ['-mode=ca', '-role=shell', '-mount-point=certs', `-public-key-path=${key}.pub`, `-private-key-path=${key}`]
    const where = ['-strict-host-key-checking=no', '-user-known-hosts-file=/dev/null', `${sshd.user}@127.0.0.1`, '-p', String(sshd.port)]
    const ended = await runBao(broker.address, broker.root, home, ['ssh', ...how, ...where, 'echo', 'here'])
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('here') })
    await sshd.logged(/Accepted publickey .* ID root:shell:\S+ \(serial \d+\)/)
  })

  test('a certificate lets in until it is revoked and the host has pulled the list', async () => {
    const fields = { public_key: await readFile(`${key}.pub`, 'utf8'), valid_principals: sshd.user }
    const { json } = await broker.ask('POST', 'certs/sign/shell', fields)
    const certificate = join(home, 'cert.pub')
    await writeFile(certificate, json['data'].signed_key)
    const login = { key, certificate, user: sshd.user, port: sshd.port }
    expect(await runSsh(login)).toMatchObject({ code: 0 })
    await broker.ask('PUT', 'sys/leases/revoke', { lease_id: json['lease_id'] })
    await expect.poll(async () => (await pull(), (await runSsh(login)).code), { timeout: 20_000, interval: 500 }).toBe(255)
  })
})

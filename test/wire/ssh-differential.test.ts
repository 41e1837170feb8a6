/** The same requests to the server that clients were written for, and to ours: status, keys and sentences. What differs on purpose is not asked here. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newKeyLine } from '../plugins/ssh/mount.ts'
import { missing, pythonMissing } from '../targets/missing.ts'
import { startOpenbao } from './openbao-server.ts'
import type { OpenbaoServer } from './openbao-server.ts'
import { sendWire, serveInMemory } from './serve-in-memory.ts'
import type { Served, WireReply } from './serve-in-memory.ts'

const key = newKeyLine()
const user = {
  key_type: 'ca',
  allow_user_certificates: true,
  allowed_users: 'alice,deploy',
  default_user: 'alice',
  allowed_extensions: 'permit-pty',
  default_extensions: [{ 'permit-pty': '' }],
  allowed_critical_options: 'force-command',
  ttl: '10m',
  max_ttl: '1h'
}
const host = { key_type: 'ca', allow_host_certificates: true, allowed_domains: 'example.com', allow_subdomains: true, ttl: '10m' }
const otp = { key_type: 'otp', default_user: 'ubuntu', allowed_users: 'admin', cidr_list: '10.0.0.0/8', exclude_cidr_list: '10.9.0.0/16' }

type Step = readonly [method: string, path: string, body?: unknown]

const steps: readonly Step[] = [
  ['POST', 'roles/user', user],
  ['POST', 'roles/host', host],
  ['POST', 'roles/otp', otp],
  ['GET', 'roles/otp'],
  ['GET', 'roles/nobody'],
  ['POST', 'roles/x', {}],
  ['POST', 'roles/x', { key_type: 'x' }],
  ['POST', 'roles/x', { key_type: 'dynamic' }],
  ['POST', 'roles/x', { key_type: 'ca' }],
  ['POST', 'roles/x', { key_type: 'otp' }],
  ['POST', 'roles/x', { ...user, ttl: '2h' }],
  ['POST', 'config/ca', { key_type: 'ed25519', generate_signing_key: true, public_key: key, private_key: 'x' }],
  ['POST', 'config/ca', { generate_signing_key: false }],
  ['POST', 'config/ca', { public_key: key }],
  ['POST', 'sign/user', { public_key: key }],
  ['POST', 'config/ca', { key_type: 'ed25519' }],
  ['GET', 'config/ca'],
  ['GET', 'config/issuers'],
  ['GET', 'issuer/nobody'],
  ['GET', 'public_key'],
  ['POST', 'issuers/import/first', { key_type: 'ed25519' }],
  ['GET', 'issuer/first'],
  ['POST', 'issuers/import/first', { key_type: 'ed25519' }],
  ['POST', 'issuers/import/default', { key_type: 'ed25519' }],
  ['POST', 'issuers/import/second', { key_type: 'ed25519' }],
  ['POST', 'config/issuers', { default: '' }],
  ['POST', 'config/issuers', { default: 'default' }],
  ['POST', 'config/issuers', { default: 'first' }],
  ['POST', 'sign/user', { public_key: key }],
  ['POST', 'sign/user', { public_key: `${key} me@here\n`, valid_principals: 'deploy,alice', ttl: '5m', extensions: { 'permit-pty': '' } }],
  ['POST', 'sign/nobody', { public_key: key }],
  ['POST', 'sign/user', {}],
  ['POST', 'sign/user', { public_key: key, key_id: 'me' }],
  ['POST', 'sign/user', { public_key: key, cert_type: 'host' }],
  ['POST', 'sign/user', { public_key: key, cert_type: 'x' }],
  ['POST', 'sign/user', { public_key: key, valid_principals: 'bob' }],
  ['POST', 'sign/user', { public_key: key, valid_principals: 'Alice' }],
  ['POST', 'sign/user', { public_key: key, ttl: '2h' }],
  ['POST', 'sign/user', { public_key: key, extensions: { 'permit-user-rc': '' } }],
  ['POST', 'sign/user', { public_key: key, critical_options: { 'source-address': '10.0.0.1' } }],
  ['POST', 'sign/host', { public_key: newKeyLine(), cert_type: 'host', valid_principals: 'web.example.com' }],
  ['POST', 'sign/host', { public_key: newKeyLine(), cert_type: 'host', valid_principals: 'example.com' }],
  ['POST', 'sign/host', { public_key: newKeyLine(), valid_principals: 'web.example.com' }],
  ['POST', 'issue/user', { key_type: 'ed25519' }],
  ['POST', 'issue/nobody', {}],
  ['POST', 'issue/otp', {}],
  ['POST', 'creds/otp', { ip: '10.0.0.5' }],
  ['POST', 'creds/otp', { ip: '10.0.0.5', username: 'admin' }],
  ['POST', 'creds/otp', { ip: '10.0.0.5', username: 'root' }],
  ['POST', 'creds/otp', { ip: '192.0.2.1' }],
  ['POST', 'creds/otp', { ip: '10.9.0.1' }],
  ['POST', 'creds/otp', { ip: 'x' }],
  ['POST', 'creds/otp', {}],
  ['POST', 'lookup', { ip: '10.0.0.5' }],
  ['POST', 'lookup', {}],
  ['POST', 'verify', { otp: 'nothing' }],
  ['POST', 'verify', { otp: 'verify-echo-request' }],
  ['POST', 'config/zeroaddress', {}],
  ['POST', 'config/zeroaddress', { roles: 'nobody' }],
  ['POST', 'config/zeroaddress', { roles: 'otp' }],
  ['GET', 'config/zeroaddress'],
  ['DELETE', 'config/zeroaddress'],
  ['DELETE', 'tidy/dynamic-keys'],
  ['DELETE', 'roles/user'],
  ['DELETE', 'roles/user'],
  ['DELETE', 'issuer/nobody'],
  ['POST', 'sign/user', { public_key: key }]
]

describe.skipIf(missing(pythonMissing()))('SSH as the wire has it', () => {
  let [ours, theirs]: [Served | undefined, OpenbaoServer | undefined] = [undefined, undefined]
  beforeAll(async () => {
    ;[ours, theirs] = [await serveInMemory(), await startOpenbao()]
    for (const { address, root } of [ours, theirs]) await sendWire(`${address}/v1/sys/mounts/ssh`, 'POST', { type: 'ssh' }, root)
  })
  afterAll(async () => {
    await ours?.[Symbol.asyncDispose]()
    await theirs?.[Symbol.asyncDispose]()
  })

  test('every step of a walk answers alike', async () => {
    const different: unknown[] = []
    for (const [method, path, body] of steps) {
      const [mine, other] = await Promise.all(
        [ours!, theirs!].map(({ address, root }) => sendText(`${address}/v1/ssh/${path}`, method, body, root))
      )
      const seen = [told(mine!), told(other!)]
      if (JSON.stringify(seen[0]) !== JSON.stringify(seen[1]))
        different.push({ step: `${method} ${path} ${JSON.stringify(body)?.slice(0, 120)}`, mayfly: seen[0], openbao: seen[1] })
    }
    expect(different).toEqual([])
  })
})

async function sendText(url: string, method: string, body: unknown, token: string): Promise<WireReply> {
  const reply = await fetch(url, {
    method,
    headers: { 'X-Vault-Token': token },
    ...(body === undefined ? {} : { body: JSON.stringify(body) })
  })
  const text = await reply.text()
  const type = reply.headers.get('content-type')
  return { status: reply.status, type, body: text, json: type?.startsWith('application/json') && text !== '' ? JSON.parse(text) : {} }
}

/** What must be alike: the status, the sentence, and which keys the data has. Ours are more. */
function told({ status, json }: WireReply) {
  const data = json['data'] as Readonly<Record<string, unknown>> | null | undefined
  return {
    status,
    errors: json['errors'] ?? null,
    keys: data
      ? Object.keys(data)
          .filter(name => !own.has(name))
          .toSorted()
      : null
  }
}

const own = new Set(['phase', 'signs', 'fingerprint', 'serial', 'default_host'])

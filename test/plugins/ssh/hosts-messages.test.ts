/** What a host says without a token: only its key can say it, only for itself, only here, and only once. */
import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeKeyLine } from '../../../plugins/ssh/format/key-line.ts'
import { parseCertificateLine } from '../../../plugins/ssh/format/parse-certificate.ts'
import { fingerprint } from '../../../plugins/ssh/format/public-key.ts'
import { signMessage } from '../../../plugins/ssh/format/sshsig.ts'
import { signerOf } from '../../../plugins/ssh/format/signer.ts'
import type { Signer } from '../../../plugins/ssh/format/signer.ts'
import { serveInMemory } from '../../wire/serve-in-memory.ts'
import type { Served, WireReply } from '../../wire/serve-in-memory.ts'

let broker: Served
let sequence = 100
const newKey = (): Signer => signerOf(generateKeyPairSync('ed25519').privateKey)

interface Said {
  readonly key: Signer
  readonly host?: string
  readonly what?: string
  readonly namespace?: string
  readonly fields?: Readonly<Record<string, unknown>>
}

async function body({ key, host = 'web1', what = 'report', namespace = 'host@mayfly', fields = {} }: Said) {
  const said = { to: await audience('ssh'), do: what, host, sequence: ++sequence, ...fields }
  const message = Buffer.from(JSON.stringify(said))
  const signature = Buffer.from(await signMessage(key, namespace, message))
  return { message: message.toString('base64'), signature: signature.toString('base64') }
}

async function text(path: string): Promise<string> {
  return (await (await fetch(`${broker.address}/v1/${path}`)).text()).trim()
}

const nonceOf = (host: string, mount = 'ssh'): Promise<string> => text(`${mount}/hosts/${host}/nonce`)
const audience = async (mount: string): Promise<string> => (await nonceOf('web1', mount)).split('.')[0]!

async function say(said: Said, more: Readonly<Record<string, unknown>> = {}): Promise<WireReply> {
  return post(`ssh/hosts/${said.host ?? 'web1'}/${said.what ?? 'report'}`, { ...(await body(said)), ...more })
}

/** As a host would: no token. A text is no JSON. */
async function post(path: string, data: unknown): Promise<WireReply> {
  const reply = await fetch(`${broker.address}/v1/${path}`, { method: 'POST', body: JSON.stringify(data) })
  const content = await reply.text()
  const type = reply.headers.get('content-type')
  return { status: reply.status, type, body: content, json: type?.includes('json') && content !== '' ? JSON.parse(content) : {} }
}

async function enroll(host: string, key: Signer): Promise<WireReply> {
  await broker.ask('POST', `ssh/hosts/${host}`, { names: `${host}.example.com` })
  const { token } = (await broker.ask('POST', `ssh/hosts/${host}/token`, {})).json['data']
  return enrollWith(host, key, token)
}

async function enrollWith(host: string, key: Signer, token: string, more: Readonly<Record<string, unknown>> = {}): Promise<WireReply> {
  const fields = { nonce: await nonceOf(host), key: writeKeyLine(key.publicKey), ...more }
  return say({ key, host, what: 'enroll', fields }, { token })
}

const row = async (host: string) => (await broker.ask('GET', `ssh/hosts/${host}`)).json['data']
const report = { krl_version: 1, krl_date: 1, ends_sessions: true }

beforeAll(async () => {
  broker = await serveInMemory()
  for (const mount of ['ssh', 'other']) {
    await broker.ask('POST', `sys/mounts/${mount}`, { type: 'ssh' })
    await broker.ask('POST', `${mount}/config/ca`, {})
  }
})
afterAll(() => broker[Symbol.asyncDispose]())

describe('an enrolment', () => {
  test('certifies the key that signed, for the names that the operator gave, with a lease', async () => {
    const key = newKey()
    const { status, json } = await enroll('web1', key)
    expect([status, json['errors']]).toEqual([200, undefined])
    const certificate = parseCertificateLine(json['data'].signed_key)
    expect(certificate).toMatchObject({ kind: 'host', principals: ['web1.example.com'], key: key.publicKey })
    expect(json['lease_id']).toMatch(/^ssh\/hosts\/web1\/enroll\//)
    const lease = (await broker.ask('POST', 'sys/leases/lookup', { lease_id: json['lease_id'] })).json['data']
    expect(lease).toMatchObject({ state: 'active' })
    expect(await row('web1')).toMatchObject({ enrolled: true, host_key: fingerprint(key.publicKey) })
  })

  test('takes its token once, for its host only, whoever else tries at the same time', async () => {
    for (const host of ['one', 'two']) await broker.ask('POST', `ssh/hosts/${host}`, {})
    const { token } = (await broker.ask('POST', 'ssh/hosts/one/token', {})).json['data']
    expect((await enrollWith('two', newKey(), token)).status).toBe(400)
    const all = await Promise.all(Array.from({ length: 8 }, () => enrollWith('one', newKey(), token)))
    expect(all.filter(({ status }) => status === 200)).toHaveLength(1)
    const winner = all.find(({ status }) => status === 200)!
    const { key } = parseCertificateLine(winner.json['data'].signed_key)
    expect((await row('one')).host_key).toBe(fingerprint(key))
    expect((await enrollWith('one', newKey(), token)).json['errors']).toEqual(['token: not a token for one, or used, or expired'])
  })

  test.each<[what: string, more: () => Promise<Readonly<Record<string, unknown>>>, error: RegExp]>([
    ['without a nonce', async () => ({ nonce: undefined }), /^nonce:/],
    ['with the nonce of another host', async () => ({ nonce: await nonceOf('other') }), /^nonce:/],
    ['with the nonce of another mount', async () => ({ nonce: await nonceOf('three', 'other') }), /^nonce:/],
    [
      'with a nonce that was made up',
      async () => ({ nonce: (await nonceOf('three')).replace(/.$/, c => (c === '0' ? '1' : '0')) }),
      /^nonce:/
    ],
    ['for the key of somebody else', async () => ({ key: writeKeyLine(newKey().publicKey) }), /^key: not the key that signed/],
    ['with a certificate in the place of the key', async () => ({ key: 'ssh-ed25519-cert-v01@openssh.com AAAA' }), /public key/],
    ['with two keys', async () => ({ key: `${writeKeyLine(newKey().publicKey)}\n${writeKeyLine(newKey().publicKey)}` }), /one line/],
    ['with a number as its key', async () => ({ key: 7 }), /^key:/]
  ])('%s is refused, and the token is still good', async (_, more, error) => {
    await broker.ask('POST', 'ssh/hosts/three', {})
    const { token } = (await broker.ask('POST', 'ssh/hosts/three/token', {})).json['data']
    const { status, json } = await enrollWith('three', newKey(), token, await more())
    expect([status, json['errors'][0]]).toEqual([400, expect.stringMatching(error)])
    expect(await row('three')).toMatchObject({ enrolled: false })
    expect((await enrollWith('three', newKey(), token)).status).toBe(200)
    await broker.ask('DELETE', 'ssh/hosts/three')
  })
})

describe('what an enrolled host says', () => {
  const key = newKey()
  beforeAll(async () => {
    expect((await enroll('web2', key)).status).toBe(200)
  })
  const web2 = { key, host: 'web2' }

  test('is heard', async () => {
    const { status, body: said } = await say({ ...web2, fields: { ...report, krl_version: 12 } })
    expect([status, said]).toEqual([
      200,
      expect.stringMatching(/^krl \d+\ntime \d+\nword [0-9a-f]{64}\nca ssh-ed25519 \S+\nhost_ca SHA256:\S+\n/)
    ])
    expect(await row('web2')).toMatchObject({ krl_version: 12, ends_sessions: true })
  })

  test('counts once: an old word changes nothing any more', async () => {
    const old = await body({ ...web2, fields: { ...report, krl_version: 13 } })
    expect((await post('ssh/hosts/web2/report', old)).status).toBe(200)
    expect((await say({ ...web2, fields: { ...report, krl_version: 14 } })).status).toBe(200)
    expect((await post('ssh/hosts/web2/report', old)).json['errors']).toEqual(['message: an old one, or said twice'])
    expect((await row('web2')).krl_version).toBe(14)

    const renewal = await body({ ...web2, what: 'renew' })
    expect((await post('ssh/hosts/web2/renew', renewal)).status).toBe(200)
    expect((await post('ssh/hosts/web2/renew', renewal)).status).toBe(400)
  })

  test.each<[what: string, said: () => Promise<unknown>]>([
    ['by another key', () => body({ ...web2, key: newKey(), fields: report })],
    ['by a host for another', () => body({ ...web2, host: 'web1', fields: report })],
    ['for another path', () => body({ ...web2, what: 'leave', fields: report })],
    ['for another mount', async () => body({ ...web2, fields: { ...report, to: await audience('other') } })],
    ['with a signature for something else', () => body({ ...web2, namespace: 'file', fields: report })],
    [
      'with other words than were signed',
      async () => ({ ...(await body({ ...web2, fields: report })), message: (await body(web2)).message })
    ],
    ['without a signature', async () => ({ message: (await body(web2)).message, signature: '' })],
    ['without a message', async () => ({ signature: (await body(web2)).signature })],
    ['of no version', () => body(web2)],
    ['of a version that is none', () => body({ ...web2, fields: { ...report, krl_version: -1 } })],
    ['of a version that is a text', () => body({ ...web2, fields: { ...report, krl_version: '9' } })],
    ['without a number', () => body({ ...web2, fields: { ...report, sequence: 0 } })],
    ['too long', async () => ({ message: 'A'.repeat(200_000), signature: 'A' })]
  ])('is not heard %s', async (_, said) => {
    const before = await row('web2')
    expect((await post('ssh/hosts/web2/report', await said())).status).toBe(400)
    expect(await row('web2')).toEqual(before)
  })

  test('of logins with strange contents is refused whole', async () => {
    const login = { event: 'login', at: 1, ca: `SHA256:${'A'.repeat(43)}`, serial: '1', user: 'root', from: '192.0.2.1' }
    for (const strange of [{ event: 'x' }, { serial: '1;x' }, { ca: 'x' }, { at: 'now' }, { user: 'u'.repeat(257) }])
      expect((await say({ ...web2, what: 'logins', fields: { logins: [login, { ...login, ...strange }] } })).status).toBe(400)
    expect((await say({ ...web2, what: 'logins', fields: { logins: Array.from({ length: 501 }, () => login) } })).status).toBe(400)
    expect((await say({ ...web2, what: 'logins', fields: { logins: [login] } })).status).toBe(204)
  })

  test('asks what has become of certificates, and is told of those of this mount', async () => {
    await broker.ask('POST', 'ssh/roles/any', { key_type: 'ca', allow_user_certificates: true, allowed_users: 'root', ttl: '10m' })
    const signed = async () =>
      (await broker.ask('POST', 'ssh/sign/any', { public_key: writeKeyLine(newKey().publicKey), valid_principals: 'root' })).json
    const [good, ended] = [await signed(), await signed()]
    await broker.ask('POST', 'sys/leases/revoke', { lease_id: ended['lease_id'] })
    const ca = fingerprint(parseCertificateLine(good['data'].signed_key).issuer)
    const serials = [good['data'].serial, ended['data'].serial, '999999', '007'] as string[]
    const certificates = [...serials.map(serial => ({ ca, serial })), { ca: `SHA256:${'A'.repeat(43)}`, serial: serials[0] }]
    const { status, body: said } = await say({ ...web2, what: 'sessions', fields: { certificates } })
    expect([status, said.trim().split('\n')]).toEqual([
      200,
      [
        expect.stringMatching(new RegExp(`^certificate \\S+ ${serials[0]} \\d{10} good$`)),
        expect.stringMatching(new RegExp(`^certificate \\S+ ${serials[1]} \\d{10} ended$`)),
        `certificate ${ca} 999999 0 ended`
      ]
    ])
    for (const strange of [
      { certificates: [{ ca, serial: '1 2' }] },
      { certificates: Array.from({ length: 501 }, () => certificates[0]) },
      {}
    ])
      expect((await say({ ...web2, what: 'sessions', fields: strange })).status).toBe(400)
  })

  test('of leaving ends its certificate, and it is heard no more', async () => {
    expect((await say({ ...web2, what: 'leave' })).status).toBe(204)
    expect(await row('web2')).toBe(undefined)
    expect((await say({ ...web2, fields: report })).json['errors']).toEqual(['web2 is not enrolled here with this key'])
  })
})

test('a host that was removed by its operator is heard no more, and waited for no more', async () => {
  const key = newKey()
  await enroll('web4', key)
  expect((await broker.ask('DELETE', 'ssh/hosts/web4')).status).toBe(204)
  expect((await say({ key, host: 'web4', fields: report })).status).toBe(400)
})

test.each([
  [{ names: 'WEB1.example.com' }, /lower case/],
  [{ names: '*.example.com' }, /principal|name/],
  [{ names: '' }, /names: 1 to/],
  [{ ttl: '31d' }, /ttl: 60 to/],
  [{ accounts: { 'ro ot': 'ops' } }, /accounts: not the name of an account/],
  [{ accounts: { root: 'a*' } }, /principal/],
  [{ accounts: { '__proto__x y': 'ops' } }, /accounts/]
])('a host that is described as %j is refused', async (fields, error) => {
  const { status, json } = await broker.ask('POST', 'ssh/hosts/odd', fields)
  expect([status, json['errors']?.[0]]).toEqual([400, expect.stringMatching(error)])
  expect((await broker.ask('GET', 'ssh/hosts/odd')).status).toBe(404)
})

test.each(['Web1', '-web1', 'web1..x', '.web1', 'a'.repeat(254), 'web_1'])('no host is called %s', async name => {
  expect((await broker.ask('POST', `ssh/hosts/${name}`, {})).status).toBe(400)
})

const news = async (after: number): Promise<{ version: number; at: number }> => {
  const said = await text(`ssh/krl/news?after=${after}`)
  return { version: Number(said.slice('krl '.length)), at: performance.now() }
}

test('who waits for a newer list hears of it at once, a crowd of hosts one after the other', async () => {
  const { version } = await news(0)
  const waiting = Promise.all(Array.from({ length: 250 }, () => news(version)))
  const key = newKey()
  await broker.ask('POST', 'ssh/roles/any', { key_type: 'ca', allow_user_certificates: true, allowed_users: 'root', ttl: '10m' })
  const signed = await broker.ask('POST', 'ssh/sign/any', { public_key: writeKeyLine(key.publicKey), valid_principals: 'root' })
  await broker.ask('POST', 'sys/leases/revoke', { lease_id: signed.json['lease_id'] })
  const heard = await waiting
  for (const one of heard) expect(one.version).toBeGreaterThan(version)
  const times = heard.map(({ at }) => at).toSorted((a, b) => a - b)
  // Three looks for 250, a hundred at a time.
  expect(times.at(-1)! - times[0]!).toBeGreaterThan(200)
})

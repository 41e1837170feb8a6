/** The keys that sign: made, taken in, rotated, revoked and forgotten. */
import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { publicPart } from '../../../plugins/ssh/format/key-object.ts'
import { writeKeyLine } from '../../../plugins/ssh/format/key-line.ts'
import { fingerprint } from '../../../plugins/ssh/format/public-key.ts'
import type { JsonObject } from '../../../src/contracts/index.ts'
import { readHost, writeHost } from '../../../plugins/ssh/hosts/host-rows.ts'
import { ssh } from '../../../plugins/ssh/index.ts'
import { systemRandom } from '../../../src/system-clock.ts'
import { TestMount } from '../../contract/test-mount.ts'
import { TestClock } from '../../sim/test-clock.ts'
import { dataOf } from '../../broker/small-broker.ts'
import type { SmallBroker } from '../../broker/small-broker.ts'
import { isOnKrl, newKeyLine, publishedKrl, sign, sshBroker } from './mount.ts'

const write = async (broker: SmallBroker, path: string, data: JsonObject = {}) => broker.ask('write', `ssh/${path}`, data)
const read = async (broker: SmallBroker, path: string) => dataOf(await broker.ask('read', `ssh/${path}`))
const text = async (broker: SmallBroker, path: string) =>
  Buffer.from((await broker.ask('read', `ssh/${path}`, {}, '')).raw!.body).toString()

function keyPair(type: 'ed25519' | 'ec' | 'rsa' = 'ed25519', bits = 3_072) {
  const { privateKey } =
    type === 'rsa'
      ? generateKeyPairSync(type, { modulusLength: bits })
      : type === 'ec'
        ? generateKeyPairSync(type, { namedCurve: 'P-256' })
        : generateKeyPairSync(type)
  return {
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    public_key: writeKeyLine(publicPart(privateKey))
  }
}

test('a mount without a CA says so in the words that tools compare', async () => {
  await using broker = await sshBroker()
  await broker.ask('delete', 'ssh/config/ca')
  await expect(read(broker, 'config/ca')).rejects.toThrow("keys haven't been configured yet")
  await expect(sign(broker)).rejects.toThrow('no default issuer currently configured')
  await expect(read(broker, 'config/issuers')).rejects.toThrow('no default issuer currently configured')
  expect(await broker.ask('delete', 'ssh/config/ca')).toMatchObject({ status: 204 })
})

test.each([
  [{}, 'ssh-ed25519'],
  [{ key_type: 'ed25519' }, 'ssh-ed25519'],
  [{ key_type: 'ec' }, 'ecdsa-sha2-nistp256'],
  [{ key_type: 'ec', key_bits: 384 }, 'ecdsa-sha2-nistp384'],
  [{ key_type: 'ecdsa-sha2-nistp521' }, 'ecdsa-sha2-nistp521'],
  [{ key_type: 'rsa', key_bits: 3_072 }, 'ssh-rsa']
])('a key is made as asked: %j', async (fields, type) => {
  await using broker = await sshBroker()
  const { data } = await write(broker, 'config/ca', fields)
  const { issuer_id: id, public_key: line } = data as { issuer_id: string; public_key: string }
  expect(line).toMatch(new RegExp(`^${type} \\S+\\n$`))
  expect(await text(broker, 'public_key')).toBe(line)
  expect(await text(broker, `issuer/${id}/public_key`)).toBe(line)
  const { certificate, data: signed } = await sign(broker)
  expect(writeKeyLine(certificate.issuer)).toBe(line.trim())
  expect(signed['issuer_id']).toBe(id)
})

test.each([
  [{ key_type: 'rsa', key_bits: 1_024 }, 'refusing to generate weak rsa key: 1024 bits < 2048 bits'],
  [{ key_type: 'rsa', key_bits: 2_048 }, 'an RSA key of 2048 bits is too weak'],
  [{ key_type: 'ec', key_bits: 1 }, 'unknown ECDSA key pair algorithm and bits: ec / 1'],
  [{ key_type: 'x' }, 'unknown ssh key pair algorithm: x'],
  [{ generate_signing_key: true, ...keyPair() }, 'public_key and private_key must not be set when generate_signing_key is set to true'],
  [{ generate_signing_key: false }, 'missing public_key'],
  [{ generate_signing_key: false, public_key: newKeyLine() }, 'missing private_key'],
  [
    { public_key: newKeyLine() },
    'only one of public_key and private_key set; both must be set to use, or both must be blank to auto-generate'
  ],
  [{ ...keyPair(), public_key: newKeyLine() }, 'public_key: it does not belong to the private_key'],
  [{ ...keyPair(), public_key: 'x' }, 'could not parse public_key provided value: '],
  [{ ...keyPair(), private_key: 'x' }, 'could not parse private_key provided value: '],
  [keyPair('rsa', 2_048), 'an RSA key of 2048 bits is too weak'],
  [{ issuer_name: 'default' }, "reserved keyword 'default' can not be used as issuer name"],
  [{ issuer_name: 'a b' }, 'issuer name contained invalid characters'],
  [{ signs: 'all' }, 'signs: expected "any", "user" or "host"']
])('%j is refused', async (fields, message) => {
  await using broker = await sshBroker()
  const before = await read(broker, 'config/ca')
  await expect(write(broker, 'config/ca', fields)).rejects.toThrow(message)
  expect(await read(broker, 'config/ca')).toEqual(before)
})

test('a key that was taken in signs, and is taken in once', async () => {
  await using broker = await sshBroker()
  const pair = keyPair('ec')
  const first = await write(broker, 'issuers/import/mine', pair)
  const again = await write(broker, 'issuers/import', pair)
  expect(dataOf(again)).toEqual(dataOf(first))
  expect(again.warnings).toEqual(['An issuer with the provided public key already exists, returning the existing issuer'])
  expect(await read(broker, 'issuer/mine')).toMatchObject({ issuer_name: 'mine', public_key: `${pair.public_key}\n` })
  await expect(write(broker, 'issuers/import/mine', keyPair())).rejects.toThrow('issuer name already in use')
  expect(JSON.stringify(first.data)).not.toContain('PRIVATE')
})

test('issuers are listed, and the default is one of them', async () => {
  await using broker = await sshBroker()
  await write(broker, 'issuers/import/second')
  const reply = await broker.ask('list', 'ssh/issuers')
  const { keys, key_info: info } = reply.data as unknown as { keys: string[]; key_info: Record<string, JsonObject> }
  expect(keys).toHaveLength(2)
  expect(keys.filter(key => info[key]!['is_default'] === true)).toHaveLength(1)
  expect(keys.map(key => info[key]!['issuer_name'])).toEqual(expect.arrayContaining(['', 'second']))
})

test('a rotation has two keys that are trusted and one that signs', async () => {
  await using broker = await sshBroker()
  const old = (await read(broker, 'config/ca'))['issuer_id'] as string
  const before = await sign(broker)
  const next = dataOf(await write(broker, 'issuers/import/2027', { phase: 'next' }))
  expect(await text(broker, 'trusted_user_keys')).toContain(next.public_key.trim())
  await write(broker, 'roles/next', { key_type: 'ca', allow_user_certificates: true, allowed_users: 'alice', issuer_ref: '2027' })
  await expect(sign(broker, { valid_principals: 'alice' }, 'next')).rejects.toThrow('the issuer 2027 is next: it does not sign')
  const moved = await write(broker, 'config/issuers', { default: '2027' })
  expect(moved.warnings).toEqual([`Previous default (${old}) has been updated with the issuer '2027' (resolved to ${next.issuer_id})`])
  expect((await sign(broker)).data['issuer_id']).toBe(next.issuer_id)
  expect(await read(broker, `issuer/${old}`)).toMatchObject({ phase: 'retiring' })
  expect((await text(broker, 'trusted_user_keys')).trim().split('\n')).toHaveLength(2)
  // What the old key signed can still be revoked, until it has expired.
  await broker.ask('write', 'sys/leases/revoke', { lease_id: before.lease })
  // Lists are made a second apart.
  await broker.clock.advance('PT2S')
  await expect.poll(() => isOnKrl(broker, before)).toBe(true)
  await broker.clock.advance('PT3H')
  await expect.poll(async () => (await read(broker, `issuer/${old}`))['phase']).toBe('retired')
  expect((await text(broker, 'trusted_user_keys')).trim().split('\n')).toHaveLength(1)
})

test('a rotation that goes back, and on again, leaves one that signs', async () => {
  await using broker = await sshBroker()
  const old = (await read(broker, 'config/ca'))['issuer_id'] as string
  await write(broker, 'issuers/import/2027', { phase: 'next' })
  const phases = async () => [(await read(broker, `issuer/${old}`))['phase'], (await read(broker, 'issuer/2027'))['phase']]
  for (const [to, expected] of [
    ['2027', ['retiring', 'active']],
    [old, ['active', 'next']],
    ['2027', ['retiring', 'active']]
  ] as const) {
    await write(broker, 'config/issuers', { default: to })
    expect(await phases()).toEqual(expected)
  }
  await broker.clock.advance('PT3H')
  await expect.poll(phases).toEqual(['retired', 'active'])
})

test('a rotation says which hosts would not follow', async () => {
  const clock = new TestClock()
  await using mount = await TestMount.open(ssh, { clock, random: systemRandom })
  await mount.write('config/ca', {})
  await mount.write('hosts/web', { names: 'web' })
  const rows = mount.rows.begin()
  const { host, version } = (await readHost(rows, 'web'))!
  const seenAt = clock.now().toString()
  const said = { sequence: 1, loginsSequence: 0, krlVersion: 0, krlDate: 0, endsSessions: false }
  writeHost(rows, 'web', { ...host, enrolled: { ...said, key: newKeyLine(), at: seenAt, seenAt } }, version, host)
  rows.commit()
  await clock.advance('PT1M')
  await mount.write('issuers/import/2027', { phase: 'next' })
  const unaware = 'hosts that have not asked since there is the issuer 2027, and refuse what it signs: web'
  expect(await mount.read('issuer/2027')).toMatchObject({ warnings: [unaware] })
  expect(await mount.write('config/issuers', { default: '2027' })).toMatchObject({ warnings: [expect.any(String), unaware] })
  // What signs hosts is for their clients to know.
  await mount.write('issuers/import/hosts', { phase: 'next', signs: 'host' })
  expect(await mount.read('issuer/hosts')).not.toHaveProperty('warnings')
  expect(await mount.write('config/issuers', { default_host: 'hosts' })).toMatchObject({ warnings: [] })
})

test('a step back is allowed until the key is destroyed', async () => {
  await using broker = await sshBroker()
  const old = (await read(broker, 'config/ca'))['issuer_id'] as string
  await write(broker, 'issuers/import/2027', { phase: 'next' })
  await write(broker, 'config/issuers', { default: '2027' })
  await write(broker, 'config/issuers', { default: old })
  expect((await sign(broker)).data['issuer_id']).toBe(old)
})

test.each([
  ['', "invalid issuer specification; must be non-empty and can't be 'default'."],
  ['default', "invalid issuer specification; must be non-empty and can't be 'default'."],
  ['nobody', 'unable to find issuer for reference: nobody']
])('the default cannot become %j', async (ref, message) => {
  await using broker = await sshBroker()
  await expect(write(broker, 'config/issuers', { default: ref })).rejects.toThrow(message)
})

test('an issuer for hosts signs hosts and nobody else', async () => {
  await using broker = await sshBroker()
  const hosts = dataOf(await write(broker, 'issuers/import/hosts', { signs: 'host' }))
  expect(await read(broker, 'config/issuers')).toMatchObject({ default_host: hosts.issuer_id })
  await write(broker, 'roles/host', {
    key_type: 'ca',
    allow_host_certificates: true,
    allowed_domains: 'example.com',
    allow_subdomains: true
  })
  const fields = { cert_type: 'host', valid_principals: 'web.example.com' }
  expect((await sign(broker, fields, 'host')).data['issuer_id']).toBe(hosts.issuer_id)
  await write(broker, 'roles/wrong', { key_type: 'ca', allow_user_certificates: true, allowed_users: '*', issuer_ref: 'hosts' })
  await expect(sign(broker, { valid_principals: 'x' }, 'wrong')).rejects.toThrow('the issuer hosts signs host certificates only')
  await expect(write(broker, 'config/issuers', { default: 'hosts' })).rejects.toThrow('default: this issuer signs hosts only')
})

test('a leaked key takes all that it signed with it', async () => {
  await using broker = await sshBroker()
  const id = (await read(broker, 'config/ca'))['issuer_id'] as string
  const signed = await sign(broker)
  const { warnings } = await write(broker, `issuer/${id}`, { phase: 'revoked' })
  expect(warnings).toHaveLength(2)
  await broker.clock.advance('PT2S')
  await expect.poll(() => isOnKrl(broker, signed)).toBe(true)
  expect((await publishedKrl(broker)).keys.map(key => fingerprint(key))).toEqual([fingerprint(signed.certificate.issuer)])
  await expect(sign(broker)).rejects.toThrow('is revoked: it does not sign')
  expect(await text(broker, 'trusted_user_keys')).toBe('')
  await expect(write(broker, `issuer/${id}`, { phase: 'active' })).rejects.toThrow('an issuer that is revoked can become nothing else')
})

test('a deleted issuer is told about, signs nothing, and its certificates can be revoked', async () => {
  await using broker = await sshBroker()
  const id = (await read(broker, 'config/ca'))['issuer_id'] as string
  const signed = await sign(broker)
  const { warnings } = await broker.ask('delete', `ssh/issuer/${id}`)
  expect(warnings!.join('\n')).toMatch(/this was configured as the default issuer[^]*1 certificates of issuer/)
  expect(await broker.ask('delete', `ssh/issuer/${id}`)).toMatchObject({ status: 204 })
  await expect(sign(broker)).rejects.toThrow('no default issuer currently configured')
  await broker.ask('write', 'sys/leases/revoke', { lease_id: signed.lease })
  // Lists are made a second apart.
  await broker.clock.advance('PT2S')
  await expect.poll(() => isOnKrl(broker, signed)).toBe(true)
  await broker.clock.advance('PT4H')
  await expect.poll(() => isOnKrl(broker, signed)).toBe(false)
})

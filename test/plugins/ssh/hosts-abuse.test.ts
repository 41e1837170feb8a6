/** What a host, or who says that he is one, may do at most: many at once, too much, the same again. */
import { generateKeyPairSync } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { fingerprint, keyBlob } from '../../../plugins/ssh/format/public-key.ts'
import { writeKeyLine } from '../../../plugins/ssh/format/key-line.ts'
import { signMessage } from '../../../plugins/ssh/format/sshsig.ts'
import { signerOf } from '../../../plugins/ssh/format/signer.ts'
import type { Signer } from '../../../plugins/ssh/format/signer.ts'
import { WireWriter } from '../../../plugins/ssh/format/wire-writer.ts'
import { hostNames, refuseTooManyHosts, writeHost } from '../../../plugins/ssh/hosts/host-rows.ts'
import { refuseTooManyReached } from '../../../plugins/ssh/hosts/schedule-pushes.ts'
import type { JsonObject } from '../../../src/contracts/index.ts'
import type { Reply } from '../../../src/broker/door/request.ts'
import { dataOf } from '../../broker/small-broker.ts'
import type { SmallBroker } from '../../broker/small-broker.ts'
import { MountRows } from '../../contract/mount-storage.ts'
import { sign, sshBroker, wound } from './mount.ts'

const newKey = (): Signer => signerOf(generateKeyPairSync('ed25519').privateKey)
let sequence = 100

async function nonceOf(broker: SmallBroker, host: string): Promise<string> {
  const { raw } = await broker.ask('read', `ssh/hosts/${host}/nonce`, {}, '')
  return Buffer.from(raw!.body).toString().trim()
}

async function say(broker: SmallBroker, key: Signer, what: string, fields: JsonObject = {}, more: JsonObject = {}) {
  const to = (await nonceOf(broker, 'web1')).split('.')[0]!
  const message = Buffer.from(JSON.stringify({ to, do: what, host: 'web1', sequence: ++sequence, ...fields }))
  return post(broker, what, message, Buffer.from(await signMessage(key, 'host@mayfly', message)), more)
}

const post = (broker: SmallBroker, what: string, message: Buffer, signature: Buffer, more: JsonObject = {}) =>
  broker.ask(
    'write',
    `ssh/hosts/web1/${what}`,
    { message: message.toString('base64'), signature: signature.toString('base64'), ...more },
    ''
  )

async function enrol(broker: SmallBroker, key: Signer): Promise<Reply> {
  await broker.ask('write', 'ssh/hosts/web1', {})
  const { token } = dataOf(await broker.ask('write', 'ssh/hosts/web1/token', {})) as { token: string }
  return say(broker, key, 'enroll', { nonce: await nonceOf(broker, 'web1'), key: writeKeyLine(key.publicKey) }, { token })
}

async function enrolled(broker: SmallBroker, key = newKey()): Promise<Signer> {
  await enrol(broker, key)
  return key
}

/** By the dearest key that there is, over nothing: 23 ms to verify. */
function dearSignature(): Buffer {
  const n = Buffer.alloc(2_048, 0xff)
  const key = { type: 'ssh-rsa', e: Buffer.alloc(8, 0xff), n } as const
  const signature = new WireWriter().string('rsa-sha2-512').string(Buffer.alloc(2_048, 1)).finish()
  const writer = new WireWriter().raw(Buffer.from('SSHSIG')).uint32(1).string(keyBlob(key)).string('host@mayfly').string('')
  const lines = writer.string('sha512').string(signature).finish().toString('base64')
  return Buffer.from(`-----BEGIN SSH SIGNATURE-----\n${lines}\n-----END SSH SIGNATURE-----`)
}

// The signature would be the first thing that is wrong, were it looked at.
test.each([
  ['report', /web1 is not enrolled here with this key/],
  ['logins', /web1 is not enrolled here with this key/],
  ['renew', /web1 is not enrolled here with this key/],
  ['enroll', /token: not a token for web1/]
])('nobody makes the broker work for a signature of a stranger’s on %s', async (what, error) => {
  await using broker = await sshBroker()
  await enrolled(broker)
  const sent = post(broker, what, Buffer.from('{}'), dearSignature(), { token: `mhe.${'A'.repeat(32)}` })
  await expect(sent).rejects.toMatchObject({ code: 'invalid_credentials', message: expect.stringMatching(error) })
})

test('a login at a time that is none is refused as one, and is no bug of the broker’s', async () => {
  await using broker = await sshBroker()
  const key = await enrolled(broker)
  const login = { event: 'login', ca: `SHA256:${'A'.repeat(43)}`, serial: '1', user: 'root', from: '192.0.2.1' }
  for (const at of [8_640_000_000_001, Number.MAX_SAFE_INTEGER])
    await expect(say(broker, key, 'logins', { logins: [{ ...login, at }] })).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('logins.0.at')
    })
  await say(broker, key, 'logins', { logins: [{ ...login, at: 8_640_000_000_000 }] })
})

test('what a host told counts once, also when it enrols again in between with its key', async () => {
  await using broker = await sshBroker()
  const key = await enrolled(broker)
  const user = await sign(broker)
  const ca = fingerprint(user.certificate.issuer)
  const login = { event: 'login', at: 1, ca, serial: String(user.serial), user: 'alice', from: '192.0.2.1' }
  const uses = async () => dataOf(await broker.ask('write', 'sys/leases/lookup', { lease_id: user.lease }))['uses']
  await say(broker, key, 'logins', { logins: [login] })
  expect(await uses()).toBe(1)
  await enrolled(broker, key)
  sequence -= 10
  await say(broker, key, 'logins', { logins: [login] })
  expect(await uses()).toBe(1)
})

test('a host whose leaving was heard, and its reply lost, may say it again', async () => {
  await using broker = await sshBroker()
  const key = await enrolled(broker)
  for (let i = 0; i < 2; i++) expect((await wound(broker, say(broker, key, 'leave'))).status).toBe(204)
  await expect(broker.ask('read', 'ssh/hosts/web1')).rejects.toMatchObject({ code: 'nothing_there' })
})

test('a stranger’s leaving is answered as that of nobody, and ends nothing', async () => {
  await using broker = await sshBroker()
  await enrolled(broker)
  expect((await say(broker, newKey(), 'leave')).status).toBe(204)
  expect(dataOf(await broker.ask('read', 'ssh/hosts/web1'))).toMatchObject({ enrolled: true })
})

test('the limits of hosts hold beyond one page of rows, and a list names all of them', async () => {
  const rows = new MountRows(() => 0)
  const changes = rows.begin()
  const host = { names: [], ttl: 60, accounts: {}, enrolled: null, reached: null }
  for (let at = 0; at < 10_000; at++) writeHost(changes, `host-${at}`, host, 0, undefined)
  for (let at = 0; at < 500; at++) changes.put(`host-keys/host-${at}`, null, 0)
  changes.commit()
  expect(await hostNames(rows)).toHaveLength(10_000)
  expect(await hostNames(rows, { after: 'host-5', limit: 1_500 })).toHaveLength(1_500)
  await expect(refuseTooManyHosts(rows)).rejects.toMatchObject({ message: expect.stringContaining('10000') })
  await expect(refuseTooManyReached(rows)).rejects.toMatchObject({ message: expect.stringContaining('500') })
})

test('who waits for news leaves room for everybody else: beyond 5,000 nobody waits, and places come back', async () => {
  await using broker = await sshBroker()
  await broker.clock.advance('PT2S')
  const news = () => broker.ask('read', 'ssh/krl/news', { after: '9999999999' }, '')
  let answered = 0
  const waiting = Array.from({ length: 5_000 }, () => news().then(() => ++answered))
  await vi.waitFor(
    async () => expect((await Promise.race([news(), new Promise<never>((_, reject) => setImmediate(reject))])).raw).toBeDefined(),
    { timeout: 20_000 }
  )
  expect(answered).toBe(0)
  await wound(broker, Promise.all(waiting))
  const late = news().then(() => ++answered)
  await broker.clock.advance('PT1S')
  expect(answered).toBe(5_000)
  await wound(broker, late)
})

test('a host’s certificate that is revoked is over with its time only: what its clients have loaded nobody can say', async () => {
  await using broker = await sshBroker()
  const key = newKey()
  await broker.ask('write', 'ssh/hosts/web1', { ttl: '10m' })
  const id = (await enrol(broker, key)).lease!.id
  await say(broker, key, 'report', { krl_version: 9_999_999_999, krl_date: 1, ends_sessions: true })
  await wound(broker, broker.ask('write', 'sys/leases/revoke', { lease_id: id }))
  await broker.clock.advance('PT1M')
  const { state, ...rest } = dataOf(await broker.ask('write', 'sys/leases/lookup', { lease_id: id }))
  expect([state, JSON.stringify(rest)]).toEqual(['revoking', expect.stringContaining('RevokedHostKeys')])
  await broker.clock.advance('PT10M')
  await expect(broker.ask('write', 'sys/leases/lookup', { lease_id: id })).rejects.toMatchObject({ code: 'invalid_lease' })
})

test('a host that was taken over makes a lease a minute, and not as many as it can', async () => {
  await using broker = await sshBroker()
  const key = await enrolled(broker)
  const renew = () => say(broker, key, 'renew')
  expect((await renew()).lease).toBeDefined()
  for (let i = 0; i < 5; i++) await expect(renew()).rejects.toMatchObject({ code: 'quota_exceeded' })
  await broker.clock.advance('PT1M')
  expect((await renew()).lease).toBeDefined()
})

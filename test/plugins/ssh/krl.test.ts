/** Revoking, by all its names, and the list that hosts pull. */
import { expect, test } from 'vitest'
import { signerOfMessage } from '../../../plugins/ssh/format/sshsig.ts'
import { writeKeyLine } from '../../../plugins/ssh/format/key-line.ts'
import { readHost, writeHost } from '../../../plugins/ssh/hosts/host-rows.ts'
import { ssh } from '../../../plugins/ssh/index.ts'
import { systemRandom } from '../../../src/system-clock.ts'
import { TestMount } from '../../contract/test-mount.ts'
import { TestClock } from '../../sim/test-clock.ts'
import { dataOf } from '../../broker/small-broker.ts'
import type { SmallBroker } from '../../broker/small-broker.ts'
import { isOnKrl, newKeyLine, publishedKrl, sign, sshBroker, userRole, wound } from './mount.ts'

async function lookup(broker: SmallBroker, lease: string) {
  return dataOf(await broker.ask('write', 'sys/leases/lookup', { lease_id: lease }))
}

/** Seconds pass, and the sweeper has its turns. */
const turn = (broker: SmallBroker) => broker.clock.advance('PT3S')

test('the list is signed by a key of its own, and its version only grows', async () => {
  await using broker = await sshBroker()
  await turn(broker)
  const fetch = async (path: string) => (await broker.ask('read', `ssh/${path}`, {}, '')).raw!
  await expect.poll(() => fetch('krl').catch(() => undefined)).toBeDefined()
  const [first, signature, signer] = [await fetch('krl'), await fetch('krl.sig'), await fetch('krl/signer')]
  const key = writeKeyLine(signerOfMessage(Buffer.from(signature.body).toString(), 'krl@mayfly', first.body))
  expect(Buffer.from(signer.body).toString()).toBe(`mayfly namespaces="krl@mayfly" ${key}\n`)
  expect(() => signerOfMessage(Buffer.from(signature.body).toString(), 'file', first.body)).toThrow()
  const { version } = await publishedKrl(broker)
  expect(first.etag).toBe(String(version))
  await broker.clock.advance('PT6M')
  await expect.poll(async () => (await publishedKrl(broker)).version).toBeGreaterThan(version)
})

test('however often somebody revokes, versions do not run ahead of the time', async () => {
  await using broker = await sshBroker()
  for (let n = 0; n < 12; n++) await wound(broker, broker.ask('write', 'ssh/revoke', { public_key: newKeyLine() }))
  await turn(broker)
  await expect.poll(async () => (await publishedKrl(broker)).fingerprints).toHaveLength(12)
  expect(Number((await publishedKrl(broker)).version)).toBeLessThanOrEqual(broker.clock.now().epochMilliseconds / 1_000)
})

test('a certificate is revoked by serial, and its lease says until when it may still be taken', async () => {
  await using broker = await sshBroker()
  const signed = await sign(broker)
  await wound(broker, broker.ask('write', 'ssh/revoke', { serial: String(signed.serial) }))
  await turn(broker)
  await expect.poll(() => isOnKrl(broker, signed)).toBe(true)
  await turn(broker)
  const found = await lookup(broker, signed.lease)
  expect(JSON.stringify(found)).toContain('no host is enrolled')
  await broker.clock.advance('PT15M')
  await expect.poll(() => lookup(broker, signed.lease).catch(() => 'gone')).toBe('gone')
})

test('a stolen key takes all its certificates with it, and is never signed again', async () => {
  await using broker = await sshBroker()
  const stolen = newKeyLine()
  const [one, two, other] = [await sign(broker, { public_key: stolen }), await sign(broker, { public_key: stolen }), await sign(broker)]
  await wound(broker, broker.ask('write', 'ssh/revoke', { public_key: stolen }))
  await turn(broker)
  await expect
    .poll(async () => (await publishedKrl(broker)).certificates.flatMap(({ serials }) => serials))
    .toEqual([{ first: BigInt(one.serial), last: BigInt(two.serial) }])
  expect(await isOnKrl(broker, other)).toBe(false)
  expect((await publishedKrl(broker)).fingerprints).toHaveLength(1)
  await expect(sign(broker, { public_key: stolen })).rejects.toThrow('public_key: this key was revoked: make a new one')
  const { keys } = dataOf(await broker.ask('list', 'ssh/blocked_keys'))
  await broker.ask('delete', `ssh/blocked_keys/${keys[0]}`)
  await sign(broker, { public_key: stolen })
})

test('what a key holds is listed by the key', async () => {
  await using broker = await sshBroker()
  const key = newKeyLine()
  const signed = await sign(broker, { public_key: key })
  const { certificates } = dataOf(await broker.ask('write', 'ssh/certs', { public_key: key }))
  expect(certificates).toMatchObject([{ lease_id: signed.lease, state: 'active', serial: '1', principals: 'alice', display_name: 'root' }])
  const { issuer_id: issuer } = signed.data as { issuer_id: string }
  expect(dataOf(await broker.ask('read', `ssh/certs/${issuer}/1`))).toMatchObject({ lease_id: signed.lease })
  expect(dataOf(await broker.ask('read', 'ssh/certs/default/1'))).toMatchObject({ lease_id: signed.lease })
  await expect(broker.ask('read', 'ssh/certs/default/2')).rejects.toMatchObject({ code: 'nothing_there' })
})

test('all of a prefix, and all of a token, end', async () => {
  await using broker = await sshBroker()
  const { client_token: token } = (await broker.ask('write', 'auth/token/create', { policies: ['root'] })).auth!.reveal()
  const [byPrefix, byToken] = [await sign(broker), await sign(broker, {}, 'app', token)]
  await broker.ask('write', 'auth/token/revoke', { token })
  await turn(broker)
  await expect.poll(() => isOnKrl(broker, byToken)).toBe(true)
  expect(await isOnKrl(broker, byPrefix)).toBe(false)
  await broker.ask('write', 'sys/leases/revoke-prefix/ssh/sign/app', { sync: false })
  await turn(broker)
  await expect.poll(() => isOnKrl(broker, byPrefix)).toBe(true)
})

test('many revoked certificates are a short list, which empties itself when they have expired', async () => {
  await using broker = await sshBroker()
  await Promise.all(Array.from({ length: 700 }, () => sign(broker)))
  await wound(broker, broker.ask('write', 'sys/leases/revoke-prefix/ssh/sign/app'))
  await turn(broker)
  await expect
    .poll(async () => (await publishedKrl(broker)).certificates.flatMap(({ serials }) => serials))
    .toEqual([{ first: 1n, last: 700n }])
  const { raw } = await broker.ask('read', 'ssh/krl', {}, '')
  expect(raw!.body.length).toBeLessThan(200)
  await broker.clock.advance('PT30M')
  expect((await publishedKrl(broker)).certificates).not.toEqual([])
  await broker.clock.advance('PT90M')
  await expect.poll(async () => (await publishedKrl(broker)).certificates).toEqual([])
})

test.each([
  [{}, 'expected either serial or public_key'],
  [{ serial: '1', public_key: newKeyLine() }, 'expected either serial or public_key'],
  [{ serial: '0' }, 'serial: expected a decimal number'],
  [{ serial: '0x1' }, 'serial: expected a decimal number'],
  [{ serial: '1', issuer_ref: 'nobody' }, 'unable to find issuer for reference: nobody'],
  [{ public_key: 'x' }, 'public key: ']
])('revoking %j is refused', async (fields, message) => {
  await using broker = await sshBroker()
  await expect(broker.ask('write', 'ssh/revoke', fields)).rejects.toThrow(message)
})

test('revoking what was never signed is nothing', async () => {
  await using broker = await sshBroker()
  expect(await broker.ask('write', 'ssh/revoke', { serial: '99' })).toMatchObject({ status: 204 })
})

test('a certificate outlives its revocation while a host lags, which is named, and looked at again later and later', async () => {
  const clock = new TestClock()
  await using mount = await TestMount.open(ssh, { clock, random: systemRandom })
  await mount.write('config/ca', {})
  await mount.write('roles/app', { ...userRole, ttl: '10h', max_ttl: '10h' })
  await mount.write('hosts/web', { names: 'web' })
  const rows = mount.rows.begin()
  const { host, version } = (await readHost(rows, 'web'))!
  const said = { sequence: 1, loginsSequence: 0, krlVersion: 0, krlDate: 0, endsSessions: false, at: '', seenAt: '' }
  writeHost(rows, 'web', { ...host, enrolled: { ...said, key: newKeyLine() } }, version, host)
  rows.commit()
  mount.asks = { public_key: newKeyLine() }
  const lease = await mount.issue('sign/app')
  await mount.revoke([lease])
  await mount.runTasks()
  await mount.revoke([lease])
  for (const seconds of [33.333, 1_000.001]) {
    await clock.advance(seconds * 1_000)
    const [outcome] = await mount.revoke([lease])
    expect(outcome).toMatchObject({ kind: 'outlives', why: expect.stringMatching(/^hosts that do not run version \d+ .*: web$/) })
    if (outcome?.kind === 'outlives') expect(outcome.again.since(clock.now()).total('seconds')).toBeGreaterThan(seconds / 5)
  }
})

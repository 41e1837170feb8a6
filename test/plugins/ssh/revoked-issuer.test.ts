/** A CA key that somebody else has: refused everywhere, for ever, and whatever is done to its row. */
import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { writeKeyLine } from '../../../plugins/ssh/format/key-line.ts'
import { publicPart } from '../../../plugins/ssh/format/key-object.ts'
import { isKeyRevoked } from '../../../plugins/ssh/format/krl-check.ts'
import { fingerprint } from '../../../plugins/ssh/format/public-key.ts'
import { dataOf } from '../../broker/small-broker.ts'
import type { SmallBroker } from '../../broker/small-broker.ts'
import { isOnKrl, publishedKrl, sign, sshBroker } from './mount.ts'
import type { Signed } from './mount.ts'

async function leaked(broker: SmallBroker): Promise<Signed> {
  const signed = await sign(broker)
  await broker.ask('write', `ssh/issuer/${issuerOf(signed)}`, { phase: 'revoked' })
  await broker.clock.advance('PT3S')
  await expect.poll(() => isOnKrl(broker, signed)).toBe(true)
  return signed
}

const issuerOf = ({ data }: Signed) => data['issuer_id'] as string
const asked = ({ certificate, serial }: Signed) => ({ ca: fingerprint(certificate.issuer), serial: String(serial), user: 'alice' })
const refused = { allowed: false, principals: [], reason: 'its issuer was revoked' }

test('at a login it is refused at once, and nobody is told to trust it', async () => {
  await using broker = await sshBroker()
  const signed = await leaked(broker)
  expect(dataOf(await broker.ask('write', 'ssh/principals', asked(signed)))).toEqual(refused)
  for (const path of ['public_key', `issuer/${issuerOf(signed)}/public_key`])
    await expect(broker.ask('read', `ssh/${path}`, {}, '')).rejects.toThrow('was revoked: its key is not to be trusted')
})

test.each(['issuer', 'config/ca'])('deleted at %s it stays on the list, and its key is never taken in again', async where => {
  await using broker = await sshBroker()
  const { privateKey } = generateKeyPairSync('ed25519')
  const both = { private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }), public_key: writeKeyLine(publicPart(privateKey)) }
  await broker.ask('write', 'ssh/config/ca', both)
  const signed = await leaked(broker)
  const { warnings = [] } = await broker.ask('delete', where === 'issuer' ? `ssh/issuer/${issuerOf(signed)}` : 'ssh/config/ca')
  // Its certificate has not expired, and no host takes it.
  expect(warnings.join()).not.toContain('take')
  const { version } = await publishedKrl(broker)
  await broker.clock.advance('PT6M')
  await expect.poll(async () => (await publishedKrl(broker)).version).toBeGreaterThan(version)
  expect(isKeyRevoked(await publishedKrl(broker), signed.certificate.issuer)).toBe(true)
  expect(dataOf(await broker.ask('write', 'ssh/principals', asked(signed)))).toEqual(refused)
  await broker.clock.advance('PT4H')
  expect(isKeyRevoked(await publishedKrl(broker), signed.certificate.issuer)).toBe(true)
  await expect(broker.ask('write', 'ssh/config/ca', both)).rejects.toThrow('public_key: this key was revoked')
})

test.each([
  [{ phase: 'next' }, 'set_default: this issuer is next'],
  [{ signs: 'host' }, 'set_default: this issuer signs hosts only']
])('an issuer with %j does not become the default by being taken in', async (fields, message) => {
  await using broker = await sshBroker()
  await expect(broker.ask('write', 'ssh/issuers/import', { ...fields, set_default: true })).rejects.toThrow(message)
})

test.each([
  [{ key_type: 'constructor' }, 'provided key_type value not in allowed_user_key_types'],
  [{ key_type: 'rsa', key_bits: 8_192 }, 'key_bits: at most 4096']
])('a key pair with %j is refused by name', async (fields, message) => {
  await using broker = await sshBroker()
  const role = { key_type: 'ca', allow_user_certificates: true, allowed_users: 'alice', default_user: 'alice' }
  await broker.ask('write', 'ssh/roles/own', { ...role, allowed_user_key_lengths: { rsa: [3_072] } })
  await expect(broker.ask('write', 'ssh/issue/own', fields)).rejects.toThrow(message)
})

test('from where a certificate was shown is an address, or is not kept', async () => {
  await using broker = await sshBroker()
  const signed = await sign(broker)
  await broker.ask('write', 'ssh/principals', { ...asked(signed), client: 'x\nAccepted publickey' })
  const lease = JSON.stringify(dataOf(await broker.ask('write', 'sys/leases/lookup', { lease_id: signed.lease })))
  expect(lease).not.toContain('Accepted')
})

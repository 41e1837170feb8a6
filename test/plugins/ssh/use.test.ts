/** What hosts ask at a login, and what they tell of it. */
import { expect, test } from 'vitest'
import { fingerprint } from '../../../plugins/ssh/format/public-key.ts'
import type { JsonObject } from '../../../src/contracts/index.ts'
import { dataOf } from '../../broker/small-broker.ts'
import type { SmallBroker } from '../../broker/small-broker.ts'
import { sign, sshBroker, wound } from './mount.ts'
import type { Signed } from './mount.ts'

function asked({ certificate, serial }: Signed, more: JsonObject = {}): JsonObject {
  return { ca: fingerprint(certificate.issuer), serial: String(serial), user: 'alice', ...more }
}

const principals = async (broker: SmallBroker, fields: JsonObject) => dataOf(await broker.ask('write', 'ssh/principals', fields))
const lookup = async (broker: SmallBroker, lease: string) => dataOf(await broker.ask('write', 'sys/leases/lookup', { lease_id: lease }))

test('a certificate comes in as the account that it names, and as no other', async () => {
  await using broker = await sshBroker()
  const signed = await sign(broker, { valid_principals: 'alice,deploy' })
  expect(await principals(broker, asked(signed))).toEqual({ allowed: true, principals: ['alice'] })
  expect(await principals(broker, asked(signed, { user: 'root' }))).toMatchObject({ allowed: false, principals: [] })
  const { raw } = await broker.ask('write', 'ssh/principals', asked(signed, { format: 'text' }))
  expect(Buffer.from(raw!.body).toString()).toBe('alice\n')
})

test('revoked is refused at once, before any list is published', async () => {
  await using broker = await sshBroker()
  const signed = await sign(broker)
  const revoking = broker.ask('write', 'sys/leases/revoke', { lease_id: signed.lease })
  await wound(broker, revoking)
  expect(await principals(broker, asked(signed))).toEqual({ allowed: false, principals: [], reason: 'it was revoked' })
  const { raw } = await broker.ask('write', 'ssh/principals', asked(signed, { format: 'text' }))
  expect(raw!.body).toHaveLength(0)
})

test('expired, of another CA, or never signed: refused', async () => {
  await using broker = await sshBroker()
  const signed = await sign(broker)
  expect(await principals(broker, asked(signed, { serial: '99' }))).toMatchObject({ allowed: false })
  expect(await principals(broker, asked(signed, { serial: '01' }))).toMatchObject({ allowed: false })
  expect(await principals(broker, asked(signed, { ca: `SHA256:${'A'.repeat(43)}` }))).toMatchObject({ allowed: false })
  await broker.clock.advance('PT11M')
  expect(await principals(broker, asked(signed))).toMatchObject({ allowed: false })
})

test('a question without an answer in it names the field', async () => {
  await using broker = await sshBroker()
  await expect(principals(broker, {})).rejects.toThrow('user: missing')
  await expect(principals(broker, { user: 'a', ca: 'b', serial: '1', format: 'xml' })).rejects.toThrow('format: expected "json" or "text"')
})

test('logins are kept with the lease, and a batch that is sent twice counts once', async () => {
  await using broker = await sshBroker()
  const signed = await sign(broker)
  const at = broker.clock.now().toString()
  const event = {
    ca: fingerprint(signed.certificate.issuer),
    serial: String(signed.serial),
    event: 'login',
    at,
    client: '192.0.2.7',
    user: 'alice'
  }
  const batch = { host: 'web.example.com', batch: 7, events: [event, { ...event, serial: '99999', ca: 'SHA256:other' }] }
  expect(dataOf(await broker.ask('write', 'ssh/usage', batch))).toEqual({ counted: 1, unknown: 1, repeated: false })
  expect(dataOf(await broker.ask('write', 'ssh/usage', batch))).toMatchObject({ counted: 0, repeated: true })
  expect(JSON.stringify(await lookup(broker, signed.lease))).toContain('192.0.2.7')
})

test('an event that cannot be read refuses its batch', async () => {
  await using broker = await sshBroker()
  await expect(
    broker.ask('write', 'ssh/usage', { host: 'h', events: [{ ca: 'x', serial: '1', event: 'login', at: 'yesterday' }] })
  ).rejects.toThrow('events.at: expected a time')
  await expect(
    broker.ask('write', 'ssh/usage', { host: 'h', events: [{ ca: 'x', serial: '1', event: 'party', at: '2026-01-01T00:00:00Z' }] })
  ).rejects.toThrow('expected "login", "logout" or "offer"')
  await expect(broker.ask('write', 'ssh/usage', { events: [] })).rejects.toThrow('host: missing')
})

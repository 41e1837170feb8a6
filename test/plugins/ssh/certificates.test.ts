/** Every certificate is a lease: made with it, found by it, ended by it. */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { dataOf } from '../../broker/small-broker.ts'
import { isOnKrl, newKeyLine, publishedKrl, sign, sshBroker, userRole } from './mount.ts'

test('a certificate leaves with its lease, and says what role and request asked for', async () => {
  await using broker = await sshBroker()
  const now = broker.clock.now().epochMilliseconds / 1_000
  const { lease, seconds, certificate, data, serial } = await sign(broker, { valid_principals: 'deploy,alice' })
  expect(lease).toMatch(/^ssh\/sign\/app\/[A-Za-z0-9]{24}$/)
  expect(seconds).toBe(600)
  expect(serial).toBe(1)
  expect(data).toMatchObject({ serial_number: '1', serial: '1' })
  expect(certificate).toMatchObject({
    kind: 'user',
    serial: 1n,
    principals: ['alice', 'deploy'],
    extensions: new Map([['permit-pty', '']])
  })
  expect(certificate.keyId).toBe(`root:app:${lease.slice(lease.lastIndexOf('/') + 1)}`)
  expect(Number(certificate.validBefore)).toBe(Math.floor(now + 600))
  expect(Number(certificate.validAfter)).toBe(Math.floor(now - 30))
  const looked = dataOf(await broker.ask('write', 'sys/leases/lookup', { lease_id: lease }))
  expect(looked).toMatchObject({ renewable: false, ttl: 600 })
})

test('serials are given one after the other and never twice', async () => {
  await using broker = await sshBroker()
  const signed = await Promise.all(Array.from({ length: 300 }, () => sign(broker)))
  expect(signed.map(({ serial }) => serial).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1))
})

test('a revoked certificate is on the list, and its neighbours are not', async () => {
  await using broker = await sshBroker()
  const [kept, revoked] = [await sign(broker), await sign(broker)]
  await broker.ask('write', 'sys/leases/revoke', { lease_id: revoked.lease })
  await broker.clock.advance('PT2S')
  await expect.poll(() => isOnKrl(broker, revoked)).toBe(true)
  expect(await isOnKrl(broker, kept)).toBe(false)
  expect((await publishedKrl(broker)).version).toBeGreaterThan(0n)
})

test('what has expired is gone, and never was on the list', async () => {
  await using broker = await sshBroker()
  const signed = await sign(broker)
  await broker.clock.advance('PT11M')
  await expect
    .poll(async () =>
      dataOf(await broker.ask('write', 'sys/leases/lookup', { lease_id: signed.lease }).catch(() => ({ data: { gone: true } }) as never))
    )
    .toMatchObject({ gone: true })
  expect((await publishedKrl(broker)).certificates).toEqual([])
})

test('the same key may have several certificates', async () => {
  await using broker = await sshBroker()
  const key = newKeyLine()
  const [one, two] = [await sign(broker, { public_key: key }), await sign(broker, { public_key: key })]
  expect(one.serial).not.toBe(two.serial)
})

test('a key id may name the key by the hash of its blob', async () => {
  await using broker = await sshBroker()
  await broker.ask('write', 'ssh/roles/hashed', { ...userRole, key_id_format: '{{role_name}}-{{public_key_hash}}' })
  const key = newKeyLine()
  const hash = createHash('sha256')
    .update(Buffer.from(key.split(' ')[1]!, 'base64'))
    .digest('hex')
  expect((await sign(broker, { public_key: key }, 'hashed')).certificate.keyId).toBe(`hashed-${hash}`)
})

/** Serials after a broker was gone: what was signed meanwhile by nobody knows whom is dead. */
import { expect, test } from 'vitest'
import { holdsSerial } from '../../../plugins/ssh/format/serial-ranges.ts'
import { publishedKrl, sign, sshBroker } from './mount.ts'

test('a broker that starts begins ahead of all that could have been signed, and revokes what it passes over', async () => {
  await using broker = await sshBroker({ seal: 'shamir' })
  const before = [await sign(broker), await sign(broker), await sign(broker)]
  expect(before.map(({ serial }) => serial)).toEqual([1, 2, 3])
  await broker.clock.advance('PT10S')
  await broker.ask('write', 'sys/seal')
  await broker.unseal()
  const [first, second] = [await sign(broker), await sign(broker)]
  expect(first.serial).toBeGreaterThan(10 * 16_384)
  expect(second.serial).toBe(first.serial + 1)
  await broker.clock.advance('PT6M')
  const listed = async () => (await publishedKrl(broker)).certificates.flatMap(({ serials }) => serials)
  await expect.poll(listed).not.toEqual([])
  const ranges = await listed()
  const isListed = (serial: number) => holdsSerial(ranges, BigInt(serial))
  expect([1, 2, 3, first.serial, second.serial].filter(isListed)).toEqual([])
  // What the first run had reserved and has no lease was signed by nobody, or after the backup.
  expect([4, 128, 129, 10 * 16_384, first.serial - 1].filter(serial => !isListed(serial))).toEqual([])
})

test('what was passed over leaves the list when nothing of it can be alive any more', async () => {
  await using broker = await sshBroker({ seal: 'shamir' })
  await broker.ask('write', 'sys/mounts/ssh/tune', { max_lease_ttl: '2h' })
  await broker.clock.advance('PT10S')
  await broker.ask('write', 'sys/seal')
  await broker.unseal()
  await sign(broker)
  await broker.clock.advance('PT6M')
  await expect.poll(async () => (await publishedKrl(broker)).certificates).toHaveLength(1)
  await broker.clock.advance('PT3H')
  await expect.poll(async () => (await publishedKrl(broker)).certificates).toEqual([])
})

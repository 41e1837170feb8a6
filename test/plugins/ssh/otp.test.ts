/** One-time passwords: one use, one address, one time. */
import { expect, test } from 'vitest'
import { dataOf } from '../../broker/small-broker.ts'
import type { SmallBroker } from '../../broker/small-broker.ts'
import { sshBroker, wound } from './mount.ts'

async function otpBroker(): Promise<SmallBroker> {
  const broker = await sshBroker()
  await broker.ask('write', 'ssh/roles/otp', {
    key_type: 'otp',
    default_user: 'ubuntu',
    allowed_users: 'admin',
    cidr_list: '10.0.0.0/8,fd00::/8',
    exclude_cidr_list: '10.9.0.0/16',
    port: 2_222
  })
  return broker
}

const verify = (broker: SmallBroker, otp: string) => broker.ask('write', 'ssh/verify', { otp }, '')

test('a password is good once, for the host that it was made for', async () => {
  await using broker = await otpBroker()
  const reply = await broker.ask('write', 'ssh/creds/otp', { ip: '10.0.0.5' })
  const { key, ...data } = dataOf(reply)
  expect(data).toEqual({ key_type: 'otp', username: 'ubuntu', ip: '10.0.0.5', port: 2_222 })
  expect(key).toMatch(/^[0-9a-f-]{36}$/)
  expect(reply.lease).toMatchObject({ renewable: false })
  expect(dataOf(await verify(broker, key))).toEqual({ username: 'ubuntu', ip: '10.0.0.5', role_name: 'otp' })
  await expect(verify(broker, key)).rejects.toThrow('OTP not found')
})

test('of many who show it at the same moment one is let in', async () => {
  await using broker = await otpBroker()
  const { key } = dataOf(await broker.ask('write', 'ssh/creds/otp', { ip: '10.0.0.5' }))
  const shown = await Promise.allSettled(Array.from({ length: 20 }, () => verify(broker, key)))
  expect(shown.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

test('one that was revoked, or has expired, is not found', async () => {
  await using broker = await otpBroker()
  const [revoked, expired] = [
    await broker.ask('write', 'ssh/creds/otp', { ip: '10.0.0.5' }),
    await broker.ask('write', 'ssh/creds/otp', { ip: '10.0.0.5' })
  ]
  await wound(broker, broker.ask('write', 'sys/leases/revoke', { lease_id: revoked.lease!.id }))
  await expect(verify(broker, dataOf(revoked).key)).rejects.toThrow('OTP not found')
  await broker.clock.advance('PT2H')
  await expect(verify(broker, dataOf(expired).key)).rejects.toThrow('OTP not found')
})

test.each([
  [{}, 'Missing ip'],
  [{ ip: 'x' }, 'Invalid IP "x"'],
  [{ ip: '192.0.2.1' }, 'Error validating IP: IP does not belong to role'],
  [{ ip: '10.9.0.1' }, 'Error validating IP: IP does not belong to role'],
  [{ ip: '10.0.0.5', username: 'root' }, 'Username is not present is allowed users list']
])('%j gets none', async (fields, message) => {
  await using broker = await otpBroker()
  await expect(broker.ask('write', 'ssh/creds/otp', fields)).rejects.toThrow(message)
})

test('an unknown role, and one for certificates, have none', async () => {
  await using broker = await otpBroker()
  await expect(broker.ask('write', 'ssh/creds/x', { ip: '10.0.0.5' })).rejects.toThrow('Role "x" not found')
  await expect(broker.ask('write', 'ssh/creds/app', { ip: '10.0.0.5' })).rejects.toThrow('Role "app" not found')
})

test('a role without a list of users has its default alone', async () => {
  await using broker = await otpBroker()
  await broker.ask('write', 'ssh/roles/otp', { key_type: 'otp', default_user: 'ubuntu', cidr_list: '0.0.0.0/0' })
  await expect(broker.ask('write', 'ssh/creds/otp', { ip: '10.0.0.5', username: 'x' })).rejects.toThrow(
    'Username has to be either in allowed users list or has to be a default username'
  )
  await broker.ask('write', 'ssh/creds/otp', { ip: '10.0.0.5', username: 'ubuntu' })
})

test('roles are found by address, and some are for any', async () => {
  await using broker = await otpBroker()
  const roles = async (ip: string) => dataOf(await broker.ask('write', 'ssh/lookup', { ip })).roles
  expect(await roles('10.0.0.5')).toEqual(['otp'])
  expect(await roles('fd00::1')).toEqual(['otp'])
  expect(await roles('192.0.2.1')).toEqual([])
  await expect(broker.ask('write', 'ssh/config/zeroaddress', {})).rejects.toThrow('Missing roles')
  await expect(broker.ask('write', 'ssh/config/zeroaddress', { roles: 'x' })).rejects.toThrow('Role "x" does not exist')
  await broker.ask('write', 'ssh/config/zeroaddress', { roles: 'otp' })
  expect(dataOf(await broker.ask('read', 'ssh/config/zeroaddress'))).toEqual({ roles: ['otp'] })
  expect(await roles('192.0.2.1')).toEqual(['otp'])
  expect(await roles('10.9.0.1')).toEqual([])
  await broker.ask('delete', 'ssh/config/zeroaddress')
  expect(await roles('192.0.2.1')).toEqual([])
})

test('a role that is deleted leaves its name no right to any address', async () => {
  await using broker = await otpBroker()
  await broker.ask('write', 'ssh/roles/other', { key_type: 'otp', default_user: 'ubuntu', cidr_list: '10.0.0.0/8' })
  await broker.ask('write', 'ssh/config/zeroaddress', { roles: 'otp,other' })
  await broker.ask('delete', 'ssh/roles/otp')
  expect(dataOf(await broker.ask('read', 'ssh/config/zeroaddress'))).toEqual({ roles: ['other'] })
  await broker.ask('write', 'ssh/roles/otp', { key_type: 'otp', default_user: 'ubuntu', cidr_list: '10.0.0.0/8', port: 0 })
  expect(dataOf(await broker.ask('read', 'ssh/roles/otp'))).toMatchObject({ port: 22 })
  await expect(broker.ask('write', 'ssh/creds/otp', { ip: '192.0.2.1' })).rejects.toThrow('IP does not belong to role')
})

test.each([
  ['FD00:0::0001', 'fd00::1'],
  ['fd00::1', 'fd00::1'],
  ['::ffff:10.0.0.5', '10.0.0.5'],
  ['::FFFF:0a00:0005', '10.0.0.5']
])('the address %s is written as hosts write it', async (ip, written) => {
  await using broker = await otpBroker()
  expect(dataOf(await broker.ask('write', 'ssh/creds/otp', { ip }))).toMatchObject({ ip: written })
  expect(dataOf(await broker.ask('write', 'ssh/lookup', { ip }))).toEqual({ roles: ['otp'] })
})

test('an excluded network is excluded by each of its spellings', async () => {
  await using broker = await otpBroker()
  for (const ip of ['::ffff:10.9.0.1', '::ffff:a09:1'])
    await expect(broker.ask('write', 'ssh/creds/otp', { ip })).rejects.toThrow('IP does not belong to role')
  await expect(broker.ask('write', 'ssh/creds/otp', { ip: 'fe80::1%eth0' })).rejects.toThrow('Invalid IP')
})

test('a host finds out whether it is set up well', async () => {
  await using broker = await otpBroker()
  expect(dataOf(await verify(broker, 'verify-echo-request'))).toEqual({ message: 'verify-echo-response' })
  expect(dataOf(await broker.ask('delete', 'ssh/tidy/dynamic-keys'))).toEqual({ message: 'Removed 0 of 0 host keys.' })
})

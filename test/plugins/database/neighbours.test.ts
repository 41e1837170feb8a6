import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/contracts/index.ts'
import { rotationStand } from './rotation-stand.ts'
import type { RotationStand } from './rotation-stand.ts'

/** A second mount of the same broker, on the same account. */
async function twoMounts(): Promise<RotationStand> {
  const broker = await rotationStand()
  await broker.ask('write', 'sys/mounts/second', { type: 'database' })
  return broker
}

test('a connection on the admin account of another mount is written, with a warning that names it', async () => {
  await using broker = await twoMounts()
  const written = await broker.ask('write', 'second/config/same', broker.connection)
  expect(written.warnings).toEqual([expect.stringContaining('connection "main" of the mount db/ logs in with this account too')])
  // The one that was there first hears of it with its next write.
  expect((await broker.ask('write', 'db/config/main', {})).warnings).toEqual([expect.stringContaining('of the mount second/')])
  await broker.ask('delete', 'second/config/same')
  expect((await broker.ask('write', 'db/config/main', {})).warnings).toBeUndefined()
})

test('an account that another mount logs in with is not rotated: it would be locked out', async () => {
  await using broker = await twoMounts()
  await broker.ask('write', 'second/config/same', broker.connection)
  await expect(broker.ask('write', 'db/rotate-root/main')).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining('connection "same" of the mount second/')
  })
  expect(broker.driver.adminPassword).toBe('first')
  await broker.ask('delete', 'sys/mounts/second')
  await broker.write('db/rotate-root/main')
  expect(broker.driver.adminPassword).not.toBe('first')
})

test('an account that another mount needs to end what it made is not rotated either', async () => {
  await using broker = await twoMounts()
  await broker.ask('write', 'second/config/moved', broker.connection)
  await broker.ask('write', 'second/roles/app', { db_name: 'moved', creation_statements: 'create "{{name}}"', default_ttl: '1h' })
  const { lease } = await broker.ask('read', 'second/creds/app')
  await broker.ask('write', 'second/config/moved', { username: 'another', password: 'theirs', verify_connection: false })
  await expect(broker.ask('write', 'db/rotate-root/main')).rejects.toThrow('connection "moved" of the mount second/')
  const revoked = broker.ask('write', 'sys/leases/revoke', { lease_id: lease!.id })
  await broker.clock.advance('PT2S')
  await revoked
  expect(await broker.write('db/rotate-root/main')).toMatchObject({ status: 204 })
})

test('a static role takes no account that another mount logs in with, or rotates', async () => {
  await using broker = await twoMounts()
  await broker.ask('write', 'second/config/other', { ...broker.connection, username: 'other', verify_connection: false })
  const role = { db_name: 'main', rotation_period: '1h' }
  await expect(broker.ask('write', 'db/static-roles/taken', { ...role, username: 'other' })).rejects.toThrow(
    'username: it is the admin account of connection "other" of the mount second/'
  )
  await broker.ask('write', 'second/config/main', broker.connection)
  await broker.write('second/static-roles/theirs', { ...role, username: 'app' })
  await expect(broker.ask('write', 'db/static-roles/mine', { ...role, username: 'app' })).rejects.toThrow(
    'username: static role "theirs" of the mount second/ rotates this account already'
  )
})

test('a connection takes no account that a static role of another mount rotates', async () => {
  await using broker = await twoMounts()
  await broker.write('db/static-roles/app', { db_name: 'main', username: 'app', rotation_period: '1h' })
  const connection = { ...broker.connection, username: 'app', verify_connection: false }
  await expect(broker.ask('write', 'second/config/main', connection)).rejects.toThrow(
    'username: static role "app" of the mount db/ rotates this account'
  )
})

test('two mounts that claim one account at the same time: what is served logs in, and one goes on when the other lets go', async () => {
  await using broker = await twoMounts()
  await broker.ask('write', 'second/config/main', broker.connection)
  const role = { db_name: 'main', username: 'app', rotation_period: '1h' }
  const both = Promise.allSettled(['db', 'second'].map(mount => broker.ask('write', `${mount}/static-roles/app`, role)))
  await broker.clock.advance('PT25S')
  const refused = (await both).filter(({ status }) => status === 'rejected')
  expect(refused.length).toBeGreaterThan(0)
  const served = async (mount: string) =>
    (await broker.read(`${mount}/static-creds/app`).catch(() => undefined)) as { password: string } | undefined
  for (const mount of ['db', 'second']) {
    const credential = await served(mount)
    if (credential) expect(broker.mayLogIn('app', credential.password)).toBe(true)
  }
  await broker.ask('delete', 'second/static-roles/app')
  await broker.clock.advance('PT10M')
  expect(broker.mayLogIn('app', (await served('db'))!.password)).toBe(true)
})

test('a connection that is written while its account is rotated by another mount is refused, or the rotation is taken back', async () => {
  await using broker = await twoMounts()
  const asked = Promise.allSettled([
    broker.ask('write', 'db/rotate-root/main'),
    broker.ask('write', 'second/config/same', { ...broker.connection, verify_connection: false })
  ])
  await broker.clock.advance('PT25S')
  const [rotated, written] = await asked
  expect([rotated.status, written.status].toSorted()).toEqual(['fulfilled', 'rejected'])
  expect(broker.driver.adminPassword === 'first').toBe(rotated.status === 'rejected')
})

/** The write of a connection of the second mount, at the server for as long as `meanwhile` takes. */
async function writtenMeanwhile(broker: RotationStand, connection: JsonObject, meanwhile: () => Promise<unknown>) {
  const looks = Promise.withResolvers<void>()
  const checks = broker.driver.checks
  broker.driver.checkHangs = looks.promise
  const [written] = await Promise.all([
    Promise.allSettled([broker.ask('write', 'second/config/same', connection)]),
    (async () => {
      while (broker.driver.checks === checks) await new Promise(resolve => setImmediate(resolve))
      broker.driver.checkHangs = undefined
      await meanwhile()
      looks.resolve()
    })()
  ])
  return written[0]
}

test('a connection whose password another mount rotates away while the server is looked at is refused', async () => {
  await using broker = await twoMounts()
  const written = await writtenMeanwhile(broker, broker.connection, () => broker.write('db/rotate-root/main'))
  expect(broker.driver.adminPassword).not.toBe('first')
  expect(written).toMatchObject({
    status: 'rejected',
    reason: { message: expect.stringContaining('the mount db/ is giving this account') }
  })
})

test('a connection whose account another mount takes for a static role while the server is looked at is refused', async () => {
  await using broker = await twoMounts()
  const role = { db_name: 'main', username: 'app', rotation_period: '1h' }
  const connection = { ...broker.connection, username: 'app' }
  const written = await writtenMeanwhile(broker, connection, () => broker.write('db/static-roles/app', role))
  expect(written).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining('"app" of the mount db/ rotates') } })
})

test('a connection that another mount writes anew meanwhile, with the password that it has, is written', async () => {
  await using broker = await twoMounts()
  const written = await writtenMeanwhile(broker, broker.connection, () => broker.ask('write', 'db/config/main', broker.connection))
  expect(written.status).toBe('fulfilled')
})

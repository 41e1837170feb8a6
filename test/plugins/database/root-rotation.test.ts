import { expect, test } from 'vitest'
import { openDatabaseMount } from './mount.ts'
import { rotationStand } from './rotation-stand.ts'
import type { RotationStand } from './rotation-stand.ts'

async function issues(broker: RotationStand, role = 'lease'): Promise<boolean> {
  return (await broker.read(`db/creds/${role}`)).username.startsWith('v-')
}

async function standWithRole(): Promise<RotationStand> {
  const broker = await rotationStand()
  await broker.write('db/roles/lease', { db_name: 'main', creation_statements: 'create "{{name}}"' })
  return broker
}

test('the admin account gets a password that nobody has written, and the engine goes on with it', async () => {
  await using broker = await standWithRole()
  await broker.read('db/creds/lease')
  const [before] = broker.driver.opened
  expect(await broker.write('db/rotate-root/main')).toMatchObject({ status: 204 })
  expect(broker.driver.adminPassword).not.toBe('first')
  expect(await issues(broker)).toBe(true)
  // Sessions that were opened with the old password have gone.
  expect([broker.driver.opened.size, broker.driver.opened.has(before!)]).toEqual([1, false])
  await broker.write('db/config/main', { allowed_roles: 'lease' })
  expect(await issues(broker)).toBe(true)
  expect(await broker.told()).toEqual(['rotated'])
  const written = JSON.stringify([await broker.read('db/config/main'), await broker.store.auditLines(0, 10_000)])
  expect(written).not.toContain(broker.driver.adminPassword)
})

test('its own statements are used', async () => {
  await using broker = await standWithRole()
  await broker.write('db/config/main', { root_rotation_statements: 'alter "{{name}}" {{password}}' })
  await broker.write('db/rotate-root/main')
  expect(broker.driver.passwordsSet).toMatchObject([{ name: 'admin', statements: ['alter "{{name}}" {{password}}'] }])
})

test('a password from before a rotation is not written back', async () => {
  await using broker = await standWithRole()
  await broker.write('db/rotate-root/main')
  const second = broker.driver.adminPassword
  await broker.write('db/rotate-root/main')
  for (const password of ['first', second])
    for (const verify_connection of [true, false])
      await expect(broker.write('db/config/main', { ...broker.connection, password, verify_connection })).rejects.toMatchObject({
        code: 'invalid_request',
        message: expect.stringContaining('password: it is one from before a rotation')
      })
  expect(await issues(broker)).toBe(true)
  broker.driver.adminPassword = 'by hand'
  await broker.write('db/config/main', { ...broker.connection, password: 'by hand' })
  expect(await issues(broker)).toBe(true)
})

test('every connection and every older version that shares the account follows at once', async () => {
  await using broker = await standWithRole()
  await broker.write('db/config/second', { ...broker.connection, database: 'second' })
  await broker.write('db/roles/second', { db_name: 'second', creation_statements: 'create "{{name}}"' })
  const old = await broker.ask('read', 'db/creds/lease')
  await broker.write('db/config/main', { database: 'moved' })
  await broker.write('db/rotate-root/second')
  expect([await issues(broker), await issues(broker, 'second')]).toEqual([true, true])
  expect(await broker.write('sys/leases/revoke', { lease_id: old.lease!.id })).toMatchObject({ status: 204 })
  await expect(broker.write('db/config/main', { password: 'first' })).rejects.toThrow('password: it is one from before a rotation')
})

test.each(['fails', 'lost'] as const)('a change that %s goes on with the same password until it is proven', async rotation => {
  await using broker = await standWithRole()
  broker.driver.rotation = rotation
  await expect(broker.write('db/rotate-root/main')).rejects.toThrow(
    'unable to finish rotating root credentials; it goes on in the background'
  )
  await expect(broker.write('db/rotate-root/main')).rejects.toThrow('it goes on in the background')
  // Whichever of the two the server has: what needs a session finds a way in.
  expect(await issues(broker)).toBe(true)
  broker.driver.rotation = 'works'
  await broker.clock.advance('PT1M')
  expect(await issues(broker)).toBe(true)
  expect(new Set(broker.driver.passwordsSet.map(({ password }) => password.reveal())).size).toBe(1)
  expect((await broker.told()).at(-1)).toBe('rotated')
})

test('when neither password lets the account in, both are kept, and the right one mends it', async () => {
  await using broker = await standWithRole()
  broker.driver.rotation = 'fails'
  await broker.write('db/rotate-root/main').catch(() => undefined)
  broker.driver.rotation = 'works'
  broker.driver.adminPassword = 'somebody was here'
  await broker.clock.advance('PT2M')
  expect((await broker.told()).at(-1)).toContain('neither with its old password nor with the new one')
  await broker.write('db/config/main', { password: 'somebody was here' })
  await broker.clock.advance('PT1M')
  expect(await broker.told()).toContain('rotated')
  expect(broker.driver.adminPassword).not.toBe('somebody was here')
  expect(await issues(broker)).toBe(true)
})

test('where logins are checked elsewhere, the new password is taken back', async () => {
  await using broker = await standWithRole()
  broker.driver.rotation = 'unread'
  await expect(broker.write('db/rotate-root/main')).rejects.toThrow(
    /^unable to rotate root credentials: .* it looks for passwords elsewhere$/
  )
  expect(broker.driver.passwordsSet.map(({ password }) => password.reveal()).at(-1)).toBe('first')
  expect(await issues(broker)).toBe(true)
  broker.driver.rotation = 'works'
  await broker.write('db/rotate-root/main')
  expect(broker.driver.adminPassword).not.toBe('first')
})

test('one account is rotated once at a time, whoever asks', async () => {
  await using broker = await standWithRole()
  await broker.write('db/config/second', { ...broker.connection, database: 'second' })
  broker.driver.rotation = 'fails'
  await broker.write('db/rotate-root/main').catch(() => undefined)
  broker.driver.rotation = 'works'
  expect(await broker.write('db/rotate-root/second')).toMatchObject({ status: 204 })
  expect(broker.driver.passwordsSet).toHaveLength(1)
  expect(await issues(broker)).toBe(true)
})

test('a rotation of the account that a connection had before is not told as one of the account that it has', async () => {
  await using broker = await standWithRole()
  broker.driver.rotation = 'fails'
  await broker.write('db/rotate-root/main').catch(() => undefined)
  await broker.write('db/config/main', { host: `${broker.server}.moved` })
  await expect(broker.write('db/rotate-root/main')).rejects.toThrow('the account that the connection had before is still being rotated')
  broker.driver.rotation = 'works'
  await broker.clock.advance('PT1M')
  expect(broker.driver.adminPassword).not.toBe('first')
})

test('a connection that goes takes its rotation with it', async () => {
  await using broker = await standWithRole()
  broker.driver.rotation = 'fails'
  await broker.write('db/rotate-root/main').catch(() => undefined)
  await broker.ask('delete', 'db/config/main')
  broker.driver.rotation = 'works'
  await broker.clock.advance('PT2M')
  expect(broker.driver.adminPassword).toBe('first')
})

test('what would lock the engine out is refused', async () => {
  await using broker = await standWithRole()
  const refused = (name: string) => expect(broker.ask('write', `db/rotate-root/${name}`)).rejects
  await refused('nothing').toMatchObject({ code: 'invalid_request', message: 'failed to find entry for connection with name: "nothing"' })
  await broker.write('db/config/bare', { ...broker.connection, username: '', verify_connection: false })
  await refused('bare').toThrow('unable to rotate root credentials: no username in configuration')
  await broker.write('db/config/bare', { username: 'admin', password: '', verify_connection: false })
  await refused('bare').toThrow('unable to rotate root credentials: no password in configuration')
  expect(broker.driver.adminPassword).toBe('first')
})

test('the mount of the contract suite lets a request wait for its task too', async () => {
  await using under = await openDatabaseMount()
  await under.mount.write('rotate-root/main', {})
  expect(under.driver.adminPassword).not.toBe('first')
  under.driver.rotation = 'lost'
  await expect(under.mount.write('rotate-root/main', {})).rejects.toThrow('it goes on in the background: the outcome is unknown')
  under.driver.rotation = 'works'
  await under.mount.runTasks()
  await under.mount.issue('creds/app')
})

test('a rotation that was begun at a connection that goes is ended at another that shares the account', async () => {
  await using broker = await standWithRole()
  await broker.write('db/config/second', { ...broker.connection, database: 'second' })
  await broker.write('db/roles/second', { db_name: 'second', creation_statements: 'create "{{name}}"' })
  broker.driver.rotation = 'lost'
  await broker.write('db/rotate-root/main').catch(() => undefined)
  await broker.ask('delete', 'db/config/main')
  broker.driver.rotation = 'works'
  await broker.clock.advance('PT2M')
  expect(await issues(broker, 'second')).toBe(true)
  expect(await broker.write('db/rotate-root/second')).toMatchObject({ status: 204 })
  expect(await issues(broker, 'second')).toBe(true)
})

test('a rotation that was begun at a version that is superseded is ended there, whatever is written meanwhile', async () => {
  await using broker = await standWithRole()
  await broker.write('db/config/second', { ...broker.connection, database: 'second' })
  await broker.write('db/roles/second', { db_name: 'second', creation_statements: 'create "{{name}}"' })
  broker.driver.rotation = 'lost'
  await broker.write('db/rotate-root/main').catch(() => undefined)
  for (const database of ['third', 'fourth', 'fifth']) await broker.write('db/config/main', { database, verify_connection: false })
  broker.driver.rotation = 'works'
  await broker.clock.advance('PT2M')
  expect([await issues(broker), await issues(broker, 'second')]).toEqual([true, true])
})

test('the password that an operator wrote first is known for ever, however often it was rotated away', async () => {
  await using broker = await standWithRole()
  for (let count = 0; count < 20; count += 1) await broker.write('db/rotate-root/main')
  await expect(broker.write('db/config/main', { ...broker.connection, verify_connection: false })).rejects.toThrow('from before a rotation')
})

/** What a server's no makes of a rotation of the admin account: it ends where the old password is beyond doubt, and goes on where it is not. */
import { expect, test } from 'vitest'
import { openDatabaseMount } from './mount.ts'
import { rotationStand } from './rotation-stand.ts'

const goesOn = 'unable to finish rotating root credentials; it goes on in the background'

test('a change that the server refuses ends, says why, and leaves nothing behind', async () => {
  await using broker = await rotationStand()
  await broker.ask('write', 'sys/mounts/second', { type: 'database' })
  broker.driver.rotation = 'refused'
  const asked = broker.write('db/rotate-root/main')
  await expect(asked).rejects.toMatchObject({
    code: 'invalid_request',
    message: 'unable to rotate root credentials: 42501 permission denied'
  })
  await broker.clock.advance('PT10M')
  // It was asked once, and the account is anybody's again.
  expect(broker.driver.passwordsSet).toHaveLength(1)
  expect((await broker.ask('write', 'second/config/same', broker.connection)).warnings).toHaveLength(1)
  await broker.ask('delete', 'second/config/same')
  await broker.clock.advance('PT10S')
  broker.driver.rotation = 'works'
  await broker.write('db/rotate-root/main')
  const [refused, taken] = broker.driver.passwordsSet.map(({ password }) => password.reveal())
  expect([broker.driver.adminPassword, taken === refused]).toEqual([taken, false])
  expect(await broker.told()).toEqual(['42501 permission denied', 'rotated'])
})

test('an account that the server does not know any more is not rotated, and what is written next counts', async () => {
  await using broker = await rotationStand()
  broker.driver.adminPassword = 'somebody was here'
  await expect(broker.write('db/rotate-root/main')).rejects.toThrow(
    'unable to rotate root credentials: the server does not let the account in with the password that the connection has'
  )
  await broker.clock.advance('PT5M')
  await broker.write('db/config/main', { password: 'somebody was here' })
  expect([broker.driver.adminPassword, broker.driver.passwordsSet]).toEqual(['somebody was here', []])
  await broker.write('db/rotate-root/main')
  expect(broker.driver.passwordsSet).toHaveLength(1)
})

test('while a change of which nobody heard may still come, a refusal of the next does not end it', async () => {
  await using broker = await rotationStand()
  broker.driver.rotation = 'fails'
  await expect(broker.write('db/rotate-root/main')).rejects.toThrow(goesOn)
  broker.driver.rotation = 'refused'
  await expect(broker.write('db/rotate-root/main')).rejects.toThrow(`${goesOn}: 42501 permission denied`)
  // As it comes now.
  broker.driver.adminPassword = broker.driver.passwordsSet[0]!.password.reveal()
  await broker.clock.advance('PT5M')
  expect((await broker.told()).at(-1)).toBe('rotated')
  await broker.ask('write', 'db/roles/app', { db_name: 'main', creation_statements: 'create "{{name}}"' })
  expect(await broker.read('db/creds/app')).toHaveProperty('password')
})

test('nor while a change is under way that was asked for in the name of a connection that is gone', async () => {
  await using broker = await rotationStand()
  await broker.write('db/config/same', broker.connection)
  const answer = Promise.withResolvers<void>()
  broker.driver.rotationHangs = answer.promise
  broker.ask('write', 'db/rotate-root/main').catch(() => undefined)
  while (broker.driver.passwordsSet.length === 0) await new Promise(resolve => setImmediate(resolve))
  Object.assign(broker.driver, { rotation: 'refused', rotationHangs: undefined })
  await broker.ask('delete', 'db/config/main')
  await broker.clock.advance('PT5S')
  const told = await broker.told()
  answer.resolve()
  expect(told).toEqual(['target_refused: 42501 permission denied'])
  await broker.clock.advance('PT5M')
  expect((await broker.told()).at(-1)).toBe('rotated')
  broker.driver.rotation = 'works'
  await broker.write('db/rotate-root/same')
})

test('once it cannot come any more the refusal ends it', async () => {
  await using broker = await rotationStand()
  broker.driver.rotation = 'fails'
  await expect(broker.write('db/rotate-root/main')).rejects.toThrow(goesOn)
  expect((await broker.read('db/config/main')).rotation).toBe('under way')
  broker.driver.rotation = 'refused'
  await broker.clock.advance('PT5M')
  expect(await broker.read('db/config/main')).not.toHaveProperty('rotation')
  const asked = broker.driver.passwordsSet.length
  await broker.clock.advance('PT5M')
  expect([broker.driver.passwordsSet.length, broker.driver.adminPassword]).toEqual([asked, 'first'])
})

test('after a restart nobody knows what was asked before it: for a while a refusal ends nothing', async () => {
  await using under = await openDatabaseMount()
  under.driver.rotation = 'fails'
  await expect(under.mount.write('rotate-root/main', {})).rejects.toThrow(goesOn)
  await under.mount.reopen()
  under.driver.rotation = 'refused'
  await expect(under.mount.runTasks()).rejects.toThrow('42501 permission denied')
  await under.clock.advance('PT3M')
  await under.mount.runTasks()
  under.driver.rotation = 'works'
  await under.mount.write('rotate-root/main', {})
  expect(new Set(under.driver.passwordsSet.map(({ password }) => password.reveal())).size).toBe(2)
})

test('where the password was changed and what comes after it refused, the new one counts', async () => {
  await using broker = await rotationStand()
  await broker.write('db/config/main', { root_rotation_statements: ['alter "{{name}}" {{password}}', 'flush'] })
  broker.driver.rotation = 'half'
  await expect(broker.write('db/rotate-root/main')).rejects.toThrow(
    'the account has its new password, but not all of root_rotation_statements was done: 42501 permission denied'
  )
  expect(broker.driver.adminPassword).not.toBe('first')
  await broker.write('db/config/main', { allowed_roles: '*' })
  await expect(broker.write('db/config/main', { password: 'first' })).rejects.toThrow('it is one from before a rotation')
})

test('who asks while another rotation is being refused hears that nothing was rotated', async () => {
  await using broker = await rotationStand()
  const answer = Promise.withResolvers<void>()
  Object.assign(broker.driver, { rotation: 'refused', rotationHangs: answer.promise })
  const first = broker.ask('write', 'db/rotate-root/main')
  while (broker.driver.passwordsSet.length === 0) await new Promise(resolve => setImmediate(resolve))
  const asked = Promise.allSettled([first, broker.ask('write', 'db/rotate-root/main')])
  await broker.clock.advance('PT1S')
  answer.resolve()
  await broker.clock.advance('PT5S')
  for (const one of await asked)
    expect(one).toMatchObject({ status: 'rejected', reason: { message: expect.stringMatching(/^unable to rotate root credentials: /) } })
})

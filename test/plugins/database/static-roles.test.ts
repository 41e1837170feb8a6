import { expect, test } from 'vitest'
import { addUser } from '../../../plugins/memory/target.ts'
import { dataOf } from '../../broker/small-broker.ts'
import { rotationStand } from './rotation-stand.ts'

const role = { db_name: 'main', username: 'app', rotation_period: '1h' }
const hour = 3_600

test('a static role takes its account over at once, and counts down to the next password', async () => {
  await using broker = await rotationStand()
  await broker.write('db/static-roles/app', role)
  const first = await broker.read('db/static-creds/app')
  expect(first).toMatchObject({
    username: 'app',
    rotation_period: hour,
    last_vault_rotation: expect.stringMatching(/^2026-11-25T12:00:0\dZ$/)
  })
  expect([broker.mayLogIn('app', first.password), broker.mayLogIn('app', 'theirs')]).toEqual([true, false])
  expect(first.ttl).toBeLessThanOrEqual(hour)
  expect(first.ttl).toBeGreaterThan(hour - 45)
  await broker.clock.advance('PT30M')
  expect(await broker.read('db/static-creds/app')).toMatchObject({ password: first.password })
  expect((await broker.read('db/static-creds/app')).ttl).toBeLessThan(first.ttl - 1_790)
})

test('reads back as it was written, with the time of its last rotation', async () => {
  await using broker = await rotationStand()
  await broker.write('db/static-roles/app', {
    ...role,
    rotation_statements: 'alter "{{name}}" {{password}}',
    credential_config: { password_policy: '' }
  })
  expect(await broker.read('db/static-roles/app')).toEqual({
    db_name: 'main',
    username: 'app',
    rotation_statements: ['alter "{{name}}" {{password}}'],
    rotation_period: hour,
    credential_type: 'password',
    credential_config: { password_policy: '' },
    last_vault_rotation: expect.any(String)
  })
  expect(await broker.read('db/static-roles/app')).not.toHaveProperty('password')
  expect(broker.driver.passwordsSet[0]?.statements).toEqual(['alter "{{name}}" {{password}}'])
  expect(await broker.ask('list', 'db/static-roles')).toMatchObject({ data: { keys: ['app'] } })
})

test('rotates by itself when its period is over, each time told in the audit', async () => {
  await using broker = await rotationStand()
  await broker.write('db/static-roles/app', role)
  const first = await broker.read('db/static-creds/app')
  await broker.clock.leap('PT1H', 2_000)
  const second = await broker.read('db/static-creds/app')
  expect(second.password).not.toBe(first.password)
  expect([broker.mayLogIn('app', second.password), broker.mayLogIn('app', first.password)]).toEqual([true, false])
  expect(second.ttl).toBeGreaterThan(hour - 120)
  expect(await broker.told()).toEqual(['rotated', 'chose the next password', 'rotated'])
  const lines = (await broker.store.auditLines(0, 10_000)).map(({ line }) => line).join('\n')
  for (const { password } of [first, second]) expect(lines).not.toContain(password)
})

test('rotates by a schedule, in UTC', async () => {
  await using broker = await rotationStand()
  await broker.write('db/static-roles/app', {
    db_name: 'main',
    username: 'app',
    rotation_period: 0,
    rotation_schedule: '30 12 * * *',
    rotation_window: '1h'
  })
  const first = await broker.read('db/static-creds/app')
  expect(first).toMatchObject({ rotation_schedule: '30 12 * * *', rotation_window: hour })
  expect(first).not.toHaveProperty('rotation_period')
  expect(first.ttl).toBeGreaterThan(1_780)
  expect(first.ttl).toBeLessThanOrEqual(1_800)
  await broker.clock.leap('PT30M', 2_000)
  const second = await broker.read('db/static-creds/app')
  expect(second.password).not.toBe(first.password)
  expect(second.last_vault_rotation).toMatch(/^2026-11-25T12:30:0\dZ$/)
})

test('rotates by hand, and the clock starts anew', async () => {
  await using broker = await rotationStand()
  await broker.write('db/static-roles/app', role)
  const first = await broker.read('db/static-creds/app')
  await broker.clock.advance('PT20M')
  expect(await broker.write('db/rotate-role/app')).toMatchObject({ status: 204 })
  const second = await broker.read('db/static-creds/app')
  expect(broker.mayLogIn('app', second.password)).toBe(true)
  expect(second.password).not.toBe(first.password)
  expect(second.ttl).toBeGreaterThan(hour - 60)
  await expect(broker.write('db/rotate-role/nobody')).rejects.toMatchObject({
    code: 'invalid_request',
    message: 'no static role found for role name'
  })
  await expect(broker.read('db/static-creds/nobody')).rejects.toMatchObject({ code: 'unknown_role', message: 'unknown role: nobody' })
})

test('a server that is away is tried until it is back, always with the password that was chosen first', async () => {
  await using broker = await rotationStand()
  await broker.write('db/static-roles/app', role)
  const first = await broker.read('db/static-creds/app')
  broker.driver.rotation = 'fails'
  await expect(broker.write('db/rotate-role/app')).rejects.toThrow(
    'unable to finish rotating credentials; retries will continue in the background but it is also safe to retry manually: cannot reach the server'
  )
  expect(await broker.read('db/static-creds/app')).toMatchObject({ password: first.password, ttl: 0 })
  await broker.clock.advance('PT5M')
  expect(await broker.told()).toEqual(['rotated', expect.stringContaining('cannot reach the server')])
  broker.driver.rotation = 'lost'
  await broker.clock.advance('PT1M')
  broker.driver.rotation = 'works'
  await broker.clock.advance('PT1M')
  const second = await broker.read('db/static-creds/app')
  expect(second.ttl).toBeGreaterThan(0)
  expect(broker.mayLogIn('app', second.password)).toBe(true)
  const chosen = new Set(broker.driver.passwordsSet.map(({ password }) => password.reveal()))
  expect(broker.driver.passwordsSet.length).toBeGreaterThan(2)
  expect([...chosen]).toEqual([first.password, second.password])
})

test('who reads while a rotation is on its way waits a little, and is told when it does not come', async () => {
  await using broker = await rotationStand()
  await broker.write('db/static-roles/app', role)
  broker.driver.rotation = 'fails'
  await broker.write('db/rotate-role/app').catch(() => undefined)
  const asked = broker.ask('read', 'db/static-creds/app')
  await broker.clock.advance('PT4S')
  expect((await asked).warnings).toEqual(['a rotation is on its way and not confirmed: the server may have the next password already'])
  broker.driver.rotation = 'works'
  await broker.clock.advance('PT1M')
  expect((await broker.ask('read', 'db/static-creds/app')).warnings).toBeUndefined()
})

test('a first rotation that fails is told, and goes on by itself', async () => {
  await using broker = await rotationStand()
  broker.driver.rotation = 'fails'
  await expect(broker.write('db/static-roles/app', role)).rejects.toThrow(
    'the static role is stored, and its first rotation goes on in the background'
  )
  await expect(broker.read('db/static-creds/app')).rejects.toThrow('static role "app" has no password yet')
  broker.driver.rotation = 'works'
  await broker.clock.advance('PT1M')
  expect(broker.mayLogIn('app', (await broker.read('db/static-creds/app')).password)).toBe(true)
})

test('a rotation that misses its window waits for the next, unless the server may have the new password', async () => {
  await using broker = await rotationStand()
  await broker.write('db/static-roles/app', { db_name: 'main', username: 'app', rotation_schedule: '0 13 * * *', rotation_window: '1h' })
  const first = await broker.read('db/static-creds/app')
  broker.driver.rotation = 'fails'
  await broker.clock.leap('PT2H30M', 20_000)
  broker.driver.rotation = 'works'
  await broker.clock.leap('PT1M', 2_000)
  const kept = await broker.read('db/static-creds/app')
  expect(kept.password).toBe(first.password)
  expect(kept.ttl).toBeGreaterThan(22 * hour)
  expect(await broker.told()).toContain('missed its window')
  await broker.clock.leap('PT22H', 600_000)
  broker.driver.rotation = 'lost'
  await broker.clock.leap('PT3H', 20_000)
  broker.driver.rotation = 'works'
  await broker.clock.leap('PT1M', 2_000)
  const second = await broker.read('db/static-creds/app')
  expect(second.password).not.toBe(first.password)
  expect(broker.mayLogIn('app', second.password)).toBe(true)
})

test('where a user may not log in from here, nothing tells whether it has the new password: a missed window does not end its rotations', async () => {
  await using broker = await rotationStand()
  await broker.write('db/static-roles/app', { db_name: 'main', username: 'app', rotation_schedule: '0 13 * * *', rotation_window: '1h' })
  const first = await broker.read('db/static-creds/app')
  Object.assign(broker.driver, { rotation: 'fails', turnsAway: true })
  await broker.clock.leap('PT2H30M', 20_000)
  broker.driver.rotation = 'works'
  await broker.clock.leap('PT1M', 2_000)
  const second = await broker.read('db/static-creds/app')
  expect(second.password).not.toBe(first.password)
  expect(broker.mayLogIn('app', second.password)).toBe(true)
})

test('another period counts from the last rotation, and one that is over rotates now', async () => {
  await using broker = await rotationStand()
  await broker.write('db/static-roles/app', role)
  const first = await broker.read('db/static-creds/app')
  await broker.write('db/static-roles/app', { rotation_period: '24h' })
  expect((await broker.read('db/static-creds/app')).ttl).toBeGreaterThan(23 * hour)
  await broker.clock.advance('PT10M')
  await broker.write('db/static-roles/app', { rotation_period: '5m' })
  await broker.clock.advance('PT5S')
  expect((await broker.read('db/static-creds/app')).password).not.toBe(first.password)
  await broker.write('db/static-roles/app', { rotation_schedule: '@daily' })
  expect(await broker.read('db/static-roles/app')).toMatchObject({ rotation_schedule: '@daily' })
  expect(await broker.read('db/static-roles/app')).not.toHaveProperty('rotation_period')
})

test('deleting a static role leaves its user, and says so', async () => {
  await using broker = await rotationStand()
  await broker.write('db/static-roles/app', role)
  const { password } = await broker.read('db/static-creds/app')
  await expect(broker.ask('delete', 'db/config/main')).rejects.toThrow('connection "main" has static roles: delete them first')
  const deleted = await broker.ask('delete', 'db/static-roles/app')
  expect(deleted.warnings).toEqual([expect.stringContaining('the user "app" stays at the server')])
  await broker.clock.leap('PT3H', 10_000)
  expect(broker.mayLogIn('app', password)).toBe(true)
  await expect(broker.read('db/static-creds/app')).rejects.toThrow('unknown role: app')
  expect(await broker.ask('delete', 'db/static-roles/app')).toMatchObject({ status: 204 })
  await broker.write('db/static-roles/again', role)
  await broker.ask('delete', 'db/static-roles/again')
  await broker.ask('delete', 'db/config/main')
})

test.each([
  [{ db_name: '' }, 'database name is a required field'],
  [{ db_name: 'nothing' }, 'failed to find entry for connection with name: "nothing"'],
  [{ username: '' }, 'username is a required field to create a static account'],
  [{ username: 'nobody' }, 'username: the server has no such user'],
  [{ username: 'admin' }, 'username: it is the admin account of the connection'],
  [{ username: 'v-lease' }, 'username: it is the user of a lease'],
  [{ rotation_period: null }, 'rotation_period is required to create static accounts'],
  [{ rotation_period: 0, rotation_schedule: '' }, 'rotation_period must be 5 seconds or more'],
  [{ rotation_period: '4s' }, 'rotation_period must be 5 seconds or more'],
  [{ rotation_schedule: '0 0 * * *' }, 'mutually exclusive fields'],
  [{ rotation_window: '1h' }, 'rotation_window is invalid with rotation_period'],
  [{ rotation_period: null, rotation_schedule: '0 0 31 2 *' }, 'rotation_schedule: no such day ever comes'],
  [{ rotation_period: null, rotation_schedule: '0 25 * * *' }, 'rotation_schedule: hour: expected 0 to 23'],
  [{ rotation_period: null, rotation_schedule: '@daily', rotation_window: '5m' }, 'rotation_window: at least 1h'],
  [{ rotation_statements: '{{secret}}' }, 'rotation_statements: unknown placeholder {{secret}}'],
  [{ credential_type: 'rsa_private_key' }, 'unsupported credential_type: "rsa_private_key"'],
  [{ credential_config: { password_policy: 'nothing' } }, 'credential_config: password_policy: '],
  [{ skip_import_rotation: true }, 'skip_import_rotation is not supported'],
  [{ self_managed_password: 'x' }, 'self_managed_password is not supported']
])('%j is refused: %s', async (fields, message) => {
  await using broker = await rotationStand()
  addUser(broker.server, { name: 'v-lease', mark: 'mayfly:1:a:b:c', until: broker.clock.now().add({ hours: 1 }) }, 'x')
  await expect(broker.ask('write', 'db/static-roles/app', { ...role, ...fields })).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining(message)
  })
  await expect(broker.ask('list', 'db/static-roles')).rejects.toMatchObject({ code: 'nothing_there' })
  expect(broker.driver.passwordsSet).toEqual([])
})

test('an account has one static role, over whichever connection, and a name one role', async () => {
  await using broker = await rotationStand()
  await broker.write('db/roles/lease', { db_name: 'main', creation_statements: 'create "{{name}}"' })
  await broker.write('db/static-roles/app', role)
  await broker.write('db/config/second', { ...broker.connection, database: 'second' })
  const refused = (path: string, data: Record<string, string>) => expect(broker.ask('write', path, data)).rejects
  await refused('db/static-roles/two', role).toThrow('username: static role "app" rotates this account already')
  await refused('db/static-roles/two', { ...role, db_name: 'second' }).toThrow('username: static role "app" rotates this account already')
  await refused('db/static-roles/lease', { ...role, username: 'other' }).toThrow('Role and Static Role names must be unique')
  await refused('db/roles/app', { db_name: 'main', creation_statements: 'create "{{name}}"' }).toThrow(
    'Role and Static Role names must be unique'
  )
  await refused('db/static-roles/app', { username: 'other' }).toThrow('cannot update static account username')
  await refused('db/static-roles/app', { db_name: 'second' }).toThrow('cannot update static account db_name')
  await refused('db/config/second', { username: 'app' }).toThrow('username: static role "app" rotates this account')
})

test('of two that take over one account at once, one does', async () => {
  await using broker = await rotationStand()
  const asked = ['one', 'two', 'three'].map(name => broker.ask('write', `db/static-roles/${name}`, role))
  const settled = Promise.allSettled(asked)
  await broker.clock.advance('PT4S')
  const lost = (await settled).filter(({ status }) => status === 'rejected').map(one => (one as PromiseRejectedResult).reason)
  expect(lost).toMatchObject([{ code: 'conflict' }, { code: 'conflict' }])
  const { keys } = dataOf(await broker.ask('list', 'db/static-roles')) as { keys: readonly string[] }
  expect(keys).toHaveLength(1)
  const { password } = await broker.read(`db/static-creds/${keys[0]}`)
  expect(broker.mayLogIn('app', password)).toBe(true)
})

test('rotations by hand, by the clock and by many at once leave the password that is served', async () => {
  await using broker = await rotationStand()
  await broker.write('db/static-roles/app', { ...role, rotation_period: '5s' })
  for (let turn = 0; turn < 10; turn++) {
    broker.driver.rotation = turn % 3 === 0 ? 'lost' : 'works'
    const asked = Promise.allSettled(Array.from({ length: 3 }, () => broker.ask('write', 'db/rotate-role/app')))
    await broker.clock.advance(1_700)
    if (turn % 4 === 0) await broker.ask('write', 'db/static-roles/app', { rotation_period: `${5 + turn}s` }).catch(() => undefined)
    await broker.clock.advance('PT21S')
    await asked
  }
  broker.driver.rotation = 'works'
  await broker.clock.advance('PT1M')
  await broker.write('db/static-roles/app', role)
  // One that was chosen already comes first.
  await broker.clock.advance('PT1M')
  const { password } = await broker.read('db/static-creds/app')
  expect(broker.mayLogIn('app', password)).toBe(true)
  expect(broker.driver.passwordsSet.length).toBeGreaterThan(20)
})

test('a role that the connection does not allow gets no password, and keeps no clock going', async () => {
  await using broker = await rotationStand()
  await broker.write('db/static-roles/app', role)
  const { password } = await broker.read('db/static-creds/app')
  await broker.write('db/config/main', { allowed_roles: 'other' })
  for (const asked of [broker.ask('read', 'db/static-creds/app'), broker.ask('write', 'db/rotate-role/app')])
    await expect(asked).rejects.toMatchObject({ code: 'permission_denied', message: '"app" is not an allowed role' })
  await broker.clock.leap('PT2H', 10_000)
  expect(broker.mayLogIn('app', password)).toBe(true)
})

test('the admin account of any connection is no static account', async () => {
  await using broker = await rotationStand()
  await broker.write('db/config/other', {
    ...broker.connection,
    username: 'app',
    password: 'theirs',
    database: 'other',
    verify_connection: false
  })
  await expect(broker.write('db/static-roles/app', role)).rejects.toThrow('username: it is the admin account of connection "other"')
  expect(broker.mayLogIn('app', 'theirs')).toBe(true)
})

test('a clock that is moved away while the next password is chosen lets that rotation come first', async () => {
  await using broker = await rotationStand()
  await broker.write('db/static-roles/app', role)
  const first = await broker.read('db/static-creds/app')
  await broker.clock.advance(`PT${first.ttl - 10}S`)
  // Its rotation may begin between the look at the clock and the commit: the server would have a password that nobody is told for a day.
  await broker.write('db/static-roles/app', { rotation_period: '24h' })
  await broker.clock.advance('PT30S')
  const second = await broker.read('db/static-creds/app')
  expect(second.password).not.toBe(first.password)
  expect(second.ttl).toBeGreaterThan(23 * hour)
})

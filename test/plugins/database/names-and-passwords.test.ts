/** What the operator says of names and passwords: which policy makes the password of a user, which template its name, and what happens when they cannot. */
import { describe, expect, test } from 'vitest'
import { database } from '../../../plugins/database/index.ts'
import { systemRandom } from '../../../src/system-clock.ts'
import type { TestLease } from '../../contract/test-mount.ts'
import { TestMount } from '../../contract/test-mount.ts'
import { TestClock } from '../../sim/test-clock.ts'
import { FileDriver } from './file-driver.ts'
import { openDatabaseMount } from './mount.ts'
import { rotationStand } from './rotation-stand.ts'

const policy = (length: number, charset: string): string => `length = ${length} rule "charset" { charset = "${charset}" }`
const passwordOf = (lease: TestLease): string => (lease.secret!.reveal() as { password: string }).password
const role = { db_name: 'main', creation_statements: 'create "{{name}}"' }

async function mountWith(policies: Map<string, string>) {
  const under = await openDatabaseMount()
  const mount = await TestMount.open(database, {
    clock: new TestClock(),
    random: systemRandom,
    databaseDrivers: [new FileDriver()],
    passwordPolicies: policies
  })
  await mount.write('config/main', { ...under.connection, allowed_roles: '*' })
  await mount.write('roles/app', role)
  return {
    mount,
    async [Symbol.asyncDispose]() {
      await mount[Symbol.asyncDispose]()
      await under[Symbol.asyncDispose]()
    }
  }
}

describe('the password of a user', () => {
  test("is the role's, else the connection's, else the broker's own", async () => {
    const policies = new Map([
      ['digits', policy(30, '0123456789')],
      ['letters', policy(40, 'abcdefghij')]
    ])
    await using under = await mountWith(policies)
    const { mount } = under
    expect(passwordOf(await mount.issue('creds/app'))).toMatch(/^[A-Za-z0-9][A-Za-z0-9-]{19}$/)
    await mount.write('config/main', { password_policy: 'digits' })
    expect(passwordOf(await mount.issue('creds/app'))).toMatch(/^[0-9]{30}$/)
    await mount.write('roles/app', { credential_config: { password_policy: 'letters' } })
    expect(passwordOf(await mount.issue('creds/app'))).toMatch(/^[a-j]{40}$/)
    await mount.write('config/main', { password_policy: '' })
    await mount.write('roles/app', { credential_config: {} })
    expect(passwordOf(await mount.issue('creds/app'))).toMatch(/^[A-Za-z0-9-]{20}$/)
  })

  test('follows a policy from its next write on', async () => {
    const policies = new Map([['p', policy(30, '0123456789')]])
    await using under = await mountWith(policies)
    await under.mount.write('config/main', { password_policy: 'p' })
    policies.set('p', policy(8, 'xyz'))
    expect(passwordOf(await under.mount.issue('creds/app'))).toMatch(/^[xyz]{8}$/)
  })

  test('is nowhere in plan, recipe and handle', async () => {
    await using under = await mountWith(new Map())
    const lease = await under.mount.issue('creds/app')
    expect(JSON.stringify([lease.plan, lease.handle])).not.toContain(passwordOf(lease))
  })
})

describe('a policy that is not there', () => {
  test('is refused where it is named', async () => {
    await using under = await mountWith(new Map())
    await expect(under.mount.write('config/main', { password_policy: 'gone' })).rejects.toMatchObject({
      code: 'invalid_request',
      message: 'password_policy: no password policy "gone": write sys/policies/password/ first'
    })
    await expect(under.mount.write('roles/app', { credential_config: { password_policy: 'gone' } })).rejects.toMatchObject({
      code: 'invalid_request',
      message: 'credential_config: password_policy: no password policy "gone": write sys/policies/password/ first'
    })
  })

  test('stops issuing before anything is promised, and nothing else', async () => {
    const policies = new Map([['p', policy(30, '0123456789')]])
    await using under = await mountWith(policies)
    await under.mount.write('config/main', { password_policy: 'p' })
    const lease = await under.mount.issue('creds/app')
    policies.delete('p')
    await expect(under.mount.read('creds/app')).rejects.toMatchObject({
      code: 'invalid_request',
      message: 'password_policy of connection "main" or role "app": no password policy "p": write sys/policies/password/ first'
    })
    // What does not name it goes on: another field of the connection, and the end of what lives.
    await under.mount.write('config/main', { allowed_roles: ['app'] })
    expect(await under.mount.revoke([lease])).toEqual([{ kind: 'gone' }])
  })
})

describe('the name of a user', () => {
  const template = '{{.RoleName | truncate 3 | uppercase}}_{{random 12}}'

  test('is what the template of the connection makes, which reads back as written', async () => {
    await using under = await mountWith(new Map())
    const { mount } = under
    await mount.write('config/main', { username_template: template })
    expect(await mount.read('config/main')).toMatchObject({ data: { connection_details: { username_template: template } } })
    const lease = await mount.issue('creds/app')
    expect(lease.plan.name).toMatch(/^APP_[0-9A-Za-z]{12}$/)
    expect(lease.plan.visible).toEqual({ username: lease.plan.name })
    expect(await mount.found(lease)).toEqual([lease.plan.name])
    // Another write keeps it, an empty one ends it; who has a name keeps it to the end.
    await mount.write('config/main', { allowed_roles: 'app' })
    expect((await mount.plan('creds/app')).plan.name).toMatch(/^APP_/)
    await mount.write('config/main', { username_template: '' })
    expect((await mount.plan('creds/app')).plan.name).toMatch(/^v-token-app-/)
    expect(await mount.revoke([lease])).toEqual([{ kind: 'gone' }])
  })

  test('that would not be random enough for this caller is not made, and nothing is promised', async () => {
    await using under = await mountWith(new Map())
    // A question that the writing could not ask: only this name is found.
    await under.mount.write('config/main', { username_template: '{{.DisplayName | replace "zq" "" | truncate 40}}{{random 20}}' })
    expect((await under.mount.plan('creds/app', 'zq'.repeat(99))).plan.name).toHaveLength(20)
    const growing = '{{.DisplayName | truncate 4 | replace "q" "qqqqqqqqqqqqqqqq"}}{{random 20}}'
    await under.mount.write('config/main', { username_template: growing })
    await expect(under.mount.read('creds/app', 'qqqq')).rejects.toMatchObject({
      code: 'invalid_request',
      message:
        'username_template: it makes names of up to 84 bytes, and the server takes 63: let it end in "| truncate 63", or cut its parts'
    })
  })
})

test('on the whole broker the passwords of users, static roles and the admin account follow one policy, as it is at that moment', async () => {
  await using broker = await rotationStand()
  await broker.ask('write', 'sys/policies/password/p', { policy: policy(30, '0123456789') })
  await broker.write('db/config/main', { password_policy: 'p' })
  await broker.write('db/roles/lease', { ...role, default_ttl: '1h' })
  await broker.write('db/static-roles/app', { db_name: 'main', username: 'app', rotation_period: '1h' })
  expect(await broker.read('db/creds/lease')).toMatchObject({ password: expect.stringMatching(/^[0-9]{30}$/) })
  expect(await broker.read('db/static-creds/app')).toMatchObject({ password: expect.stringMatching(/^[0-9]{30}$/) })
  await broker.ask('write', 'sys/policies/password/p', { policy: policy(25, 'abcdefgh') })
  await broker.write('db/rotate-root/main')
  expect(broker.driver.adminPassword).toMatch(/^[a-h]{25}$/)
  await broker.write('db/rotate-role/app')
  expect(await broker.read('db/static-creds/app')).toMatchObject({ password: expect.stringMatching(/^[a-h]{25}$/) })
  // Without it what is due waits with its cause, and what is there goes on.
  await broker.ask('delete', 'sys/policies/password/p')
  await expect(broker.ask('read', 'db/creds/lease')).rejects.toThrow(
    'password_policy of connection "main" or role "lease": no password policy "p"'
  )
  await expect(broker.write('db/rotate-role/app')).rejects.toThrow('no password policy "p"')
  expect(await broker.read('db/static-creds/app')).toMatchObject({ password: expect.stringMatching(/^[a-h]{25}$/) })
})

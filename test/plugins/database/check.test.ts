import { expect, test } from 'vitest'
import { usersOf } from '../../../plugins/memory/target.ts'
import { dataOf } from '../../broker/small-broker.ts'
import { rotationStand } from './rotation-stand.ts'
import type { RotationStand } from './rotation-stand.ts'

const role = { db_name: 'main', creation_statements: 'create "{{name}}"', default_ttl: '1h' }

async function checkStand(): Promise<RotationStand> {
  const broker = await rotationStand()
  await broker.ask('write', 'db/roles/app', role)
  return broker
}

async function check(broker: RotationStand, name = 'app', fields = {}) {
  return dataOf(await broker.ask('write', `db/roles/${name}/check`, fields))
}

const probes = (broker: RotationStand) => usersOf(broker.server).filter(({ mark }) => mark !== '')
const failed = (report: any) => report.steps.filter(({ ok }: any) => !ok).map(({ step, told }: any) => `${step}: ${told}`)
const stepsOf = (report: any) => report.steps.map(({ step }: any) => step)

test('a role that works is tried through its whole life, and nothing is left of it', async () => {
  await using broker = await checkStand()
  const report = await check(broker)
  expect(report).toMatchObject({ role: 'app', db_name: 'main', ok: true, concerns: [], guarantees: broker.driver.guarantees })
  expect(stepsOf(report)).toEqual([
    'connection',
    'statements',
    'server',
    'password',
    'name',
    'create',
    'rights',
    'login',
    'revoke',
    'no login'
  ])
  expect(report.rights).toEqual({ attributes: [], member_of: [], objects: [{ on: 'file users', may: ['READ'] }], more: 0 })
  expect(report.username).toMatch(/^v-root-app-/)
  expect(probes(broker)).toEqual([])
})

test('the probe has a lease from before it was made until the sweeper has looked as well', async () => {
  await using broker = await checkStand()
  const reply = await broker.ask('write', 'db/roles/app/check')
  const lookup = async () => dataOf(await broker.ask('write', 'sys/leases/lookup', { lease_id: reply.lease!.id }))
  expect(await lookup()).toMatchObject({ renewable: false, ttl: expect.toSatisfy((ttl: number) => ttl <= 1) })
  await broker.clock.advance('PT4S')
  await expect(lookup()).rejects.toThrow('invalid lease')
  // The check's own, and the sweeper's.
  expect(broker.driver.revoked.map(({ users }) => users[0]?.name)).toEqual([dataOf(reply).username, dataOf(reply).username])
})

test('its password is nowhere: not in the report, not in the audit, not in what is kept', async () => {
  await using broker = await checkStand()
  const report = await check(broker)
  await broker.clock.advance('PT4S')
  const password = broker.driver.created[0]!.password.reveal()
  const audit = (await broker.store.auditLines(0, 10_000)).map(({ line }) => line).join('\n')
  expect(audit).toContain(report.username)
  for (const text of [JSON.stringify(report), audit, broker.log.join('\n')]) expect(text).not.toContain(password)
})

test('statements that the server refuses are told, and that nothing is left', async () => {
  await using broker = await checkStand()
  broker.driver.creation = 'is refused'
  const report = await check(broker)
  expect(report.ok).toBe(false)
  expect(failed(report)).toEqual(['create: 42601 syntax error'])
  expect(stepsOf(report)).toEqual(['connection', 'statements', 'server', 'password', 'name', 'create', 'revoke'])
})

test('renewing is tried where the role has statements for it, and what the server refuses of them is told', async () => {
  await using broker = await checkStand()
  await broker.ask('write', 'db/roles/app', { renew_statements: 'prolong "{{name}}"' })
  const works = await check(broker)
  expect([works.ok, stepsOf(works).slice(-4)]).toEqual([true, ['login', 'renew', 'revoke', 'no login']])
  await broker.ask('write', 'db/roles/app', { renew_statements: 'is refused' })
  const report = await check(broker)
  expect([report.ok, failed(report)]).toEqual([false, ['renew: 42601 syntax error']])
  expect(probes(broker)).toEqual([])
})

test('a user that was made although the answer was lost is ended by the check', async () => {
  await using broker = await checkStand()
  broker.driver.creation = 'is lost'
  const report = await check(broker)
  expect(failed(report)).toEqual(['create: the outcome is unknown'])
  expect(probes(broker)).toEqual([])
})

test('of a user that may still come to be there is no report: its lease waits for it', async () => {
  await using broker = await checkStand()
  broker.driver.creation = 'never answers'
  await expect(check(broker)).rejects.toMatchObject({ code: 'target_silent' })
  await broker.clock.advance('PT10S')
  expect(broker.driver.revoked.at(-1)?.users[0]?.createBy).toBeDefined()
  await broker.clock.leap('PT1M', 2_000)
  await expect(broker.ask('list', 'sys/leases/lookup/db/roles/app/check')).rejects.toMatchObject({ code: 'nothing_there' })
})

test('what keeps a user is told, with the login that still works, and its lease goes on ending it', async () => {
  await using broker = await checkStand()
  broker.driver.keepsUsers = true
  const report = await check(broker)
  expect(failed(report)).toEqual([
    'revoke: no login and no session any more, but it stays: it owns objects',
    'no login: the server lets the user in after its end'
  ])
  broker.driver.keepsUsers = false
  await broker.clock.leap('PT2M', 2_000)
  expect(probes(broker)).toEqual([])
})

test('a login that the server turns away is told', async () => {
  await using broker = await checkStand()
  broker.driver.turnsAway = true
  expect(failed(await check(broker))).toEqual(['login: 28000 no entry for this host', 'no login: 28000 no entry for this host'])
})

test('what the account lacks, and what its users may beyond reason, are concerns and no failures', async () => {
  await using broker = await checkStand()
  broker.driver.missing = ['a right: something is thinner']
  broker.driver.rights = { ...broker.driver.rights, concerns: ['it is a superuser'] }
  await broker.ask('write', 'db/roles/app', { owned_objects: '' })
  expect(await check(broker)).toMatchObject({ ok: true, concerns: ['a right: something is thinner', 'it is a superuser'] })
})

test('the server is looked at as it is now', async () => {
  await using broker = await checkStand()
  broker.driver.guarantees = { ...broker.driver.guarantees, endsSessions: false }
  const report = await check(broker)
  expect(failed(report)).toEqual([expect.stringContaining('server: connection "main" cannot end sessions')])
  expect(broker.driver.created).toEqual([])
})

test.each([
  [{ db_name: 'nowhere' }, 'connection: failed to find entry for connection with name: "nowhere"'],
  [{ credential_config: 'password_policy=gone' }, 'password: password_policy: ']
])('%j fails before anything is made', async (fields, message) => {
  await using broker = await checkStand()
  if ('credential_config' in fields)
    await broker.ask('write', 'sys/policies/password/gone', { policy: 'length=20 rule "charset" { charset = "abcdefgh" }' })
  await broker.ask('write', 'db/roles/app', fields)
  if ('credential_config' in fields) await broker.ask('delete', 'sys/policies/password/gone')
  expect(failed(await check(broker))).toEqual([expect.stringContaining(message)])
  expect(broker.driver.created).toEqual([])
})

test('a role that its connection does not allow fails, and one that is not there is unknown', async () => {
  await using broker = await checkStand()
  await broker.ask('write', 'db/config/main', { allowed_roles: 'other' })
  expect(failed(await check(broker))).toEqual(['connection: "app" is not an allowed role'])
  await expect(check(broker, 'nobody')).rejects.toMatchObject({ code: 'unknown_role', message: 'unknown role: nobody' })
})

test('a server that cannot take a user back refuses a rehearsal', async () => {
  await using broker = await checkStand()
  await expect(check(broker, 'app', { rehearse: true })).rejects.toMatchObject({ code: 'invalid_request' })
  expect(broker.driver.created).toEqual([])
})

test('a server where nothing but a check was ever done is still compared with the leases', async () => {
  await using broker = await checkStand()
  await check(broker)
  await broker.clock.advance('PT4S')
  const { targets } = dataOf(await broker.ask('write', 'sys/reconcile'))
  expect(targets).toEqual([expect.not.objectContaining({ note: expect.anything() })])
})

test('the check ends its user as the sweeper will', async () => {
  await using broker = await checkStand()
  await broker.ask('write', 'db/roles/app', { creation_statements: '', member_of: 'readers', owned_objects: '' })
  await check(broker)
  await broker.clock.advance('PT4S')
  const [own, sweepers] = broker.driver.revoked.map(call => ({ ...call, users: [] }))
  expect(own).toMatchObject({ ownWay: true })
  expect(own).toEqual(sweepers)
})

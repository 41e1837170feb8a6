import { expect, test } from 'vitest'
import { dataOf } from '../../broker/small-broker.ts'
import { rotationStand } from './rotation-stand.ts'
import type { RotationStand } from './rotation-stand.ts'

async function healthStand(): Promise<RotationStand> {
  const broker = await rotationStand()
  await broker.ask('write', 'db/roles/app', { db_name: 'main', creation_statements: 'create "{{name}}"', default_ttl: '1h' })
  return broker
}

const healthOf = async (broker: RotationStand) => dataOf(await broker.ask('read', 'db/config/main')).health

test('a connection that nothing was asked of is neither well nor ill', async () => {
  await using broker = await healthStand()
  expect(await healthOf(broker)).toEqual({ state: 'unknown', circuit: 'closed', failures: 0 })
})

test('one that answers says when it did, and how long it takes', async () => {
  await using broker = await healthStand()
  await broker.ask('read', 'db/creds/app')
  expect(await healthOf(broker)).toEqual({
    state: 'answers',
    circuit: 'closed',
    failures: 0,
    last_answer_at: expect.stringMatching(/^2026-11-25T12:00:/),
    latency_ms: expect.any(Number)
  })
})

test('one that fails says why, since when, and when it is tried again, and heals', async () => {
  await using broker = await healthStand()
  const { lease } = await broker.ask('read', 'db/creds/app')
  broker.driver.adminPassword = 'changed'
  const revoked = broker.ask('write', 'sys/leases/revoke', { lease_id: lease!.id }).catch(() => undefined)
  await broker.clock.advance('PT30S')
  await revoked
  const ill = await healthOf(broker)
  expect(ill).toMatchObject({
    state: 'fails',
    circuit: 'open',
    last_error: expect.stringContaining('28P01 password authentication failed'),
    failing_since: expect.any(String),
    retry_at: expect.any(String)
  })
  expect(ill.failures).toBeGreaterThan(0)
  broker.driver.adminPassword = 'first'
  await broker.clock.leap('PT5M', 2_000)
  expect(await healthOf(broker)).toMatchObject({ state: 'answers', circuit: 'closed', failures: 0 })
})

test('whoever gets a credential of a server that cannot do all is warned, and finds it with the lease', async () => {
  await using broker = await healthStand()
  broker.driver.guarantees = { ...broker.driver.guarantees, endsSessions: false, diesByItself: false }
  await broker.ask('write', 'db/config/main', {})
  await broker.ask('write', 'db/roles/app', { accept_open_sessions: true })
  await broker.clock.advance('PT5M')
  const { warnings, lease } = await broker.ask('read', 'db/creds/app')
  expect(warnings).toEqual([expect.stringContaining('sessions'), expect.stringContaining('while the broker is down')])
  const found = await broker.ask('write', 'sys/leases/lookup', { lease_id: lease!.id })
  expect(dataOf(found)).toMatchObject({ guarantees: { endsSessions: false, diesByItself: false } })
})

test('what an account has lost since the last look is told to the log, once', async () => {
  await using broker = await healthStand()
  await broker.ask('read', 'db/creds/app')
  broker.driver.missing = ['a right: something costs']
  for (let look = 0; look < 3; look += 1) {
    await broker.clock.leap('PT5M', 2_000)
    await broker.ask('read', 'db/creds/app')
  }
  expect(broker.log.filter(line => line.includes('can do less than before'))).toEqual([expect.stringContaining('a right: something costs')])
})

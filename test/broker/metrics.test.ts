import { mkdir, rename } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { createLog } from '../../src/log.ts'
import { DevSeal } from '../../src/dev-seal.ts'
import { serve } from '../../src/serve.ts'
import { lease, smallBroker, withUsers } from './small-broker.ts'
import type { SmallBroker } from './small-broker.ts'

let broker: SmallBroker
beforeEach(async () => {
  broker = await smallBroker()
  await withUsers(broker)
})
afterEach(() => broker[Symbol.asyncDispose]())

async function scrape(format?: string): Promise<string> {
  const { raw } = await broker.ask('read', 'sys/metrics', format === undefined ? {} : { format })
  return Buffer.from(raw!.body).toString()
}

/** The value of a series. */
const valueOf = (text: string, series: string) =>
  Number(
    text
      .split('\n')
      .find(line => line.startsWith(`${series} `))
      ?.split(' ')
      .at(-1)
  )

test('what is issued, what is due and how late it ended can be seen', async () => {
  for (let n = 0; n < 3; n++) await lease(broker)
  await broker.ask('write', 'auth/token/create', { ttl: '1h' })
  const issued = await scrape('prometheus')
  expect(valueOf(issued, 'vault_expire_num_leases')).toBe(3)
  expect(valueOf(issued, 'vault_secret_lease_creation')).toBe(3)
  expect(valueOf(issued, 'mayfly_issue_seconds_count')).toBe(3)
  expect(valueOf(issued, 'vault_token_creation')).toBe(1)
  expect(valueOf(issued, 'mayfly_leases{mount="users/",state="active"}')).toBe(3)
  await broker.clock.advance('PT1H10S')
  const ended = await scrape('prometheus')
  expect(valueOf(ended, 'vault_expire_num_leases')).toBe(0)
  expect(valueOf(ended, 'mayfly_revocations_total{outcome="gone"}')).toBe(3)
  expect(valueOf(ended, 'mayfly_revocation_lateness_seconds_count')).toBe(3)
  expect(valueOf(ended, 'mayfly_revocation_lateness_seconds_bucket{le="10"}')).toBe(3)
})

test('leases of mounts that are gone are counted together', async () => {
  for (const mount of ['first', 'second']) {
    await withUsers(broker, { default_ttl: '1h' }, mount)
    await lease(broker, undefined, mount)
    const gone = broker.ask('delete', `sys/mounts/${mount}`)
    await broker.clock.advance('PT1M')
    await gone
  }
  expect(valueOf(await scrape('prometheus'), 'mayfly_leases{mount="gone",state="revoked"}')).toBe(2)
})

test('a target that is down shows its queue, its oldest and its circuit, and an alarm is stuck leases', async () => {
  await lease(broker)
  await rename(broker.target, `${broker.target}.away`)
  await mkdir(broker.target)
  await broker.clock.advance('PT1H5M')
  const text = await scrape('prometheus')
  const [target] = await broker.store.targetLoads(broker.clock.now(), 1)
  expect(valueOf(text, `mayfly_target_circuit_open{target="${target?.id}"}`)).toBe(1)
  expect(valueOf(text, `mayfly_target_leases{target="${target?.id}"}`)).toBe(1)
  expect(valueOf(text, `mayfly_target_latency_seconds{target="${target?.id}"}`)).toBe(0)
  expect(valueOf(text, `mayfly_target_oldest_due_seconds{target="${target?.id}"}`)).toBeGreaterThan(200)
  expect(valueOf(text, 'vault_expire_num_irrevocable_leases')).toBe(1)
  await expect(lease(broker)).rejects.toThrow()
  expect(valueOf(await scrape('prometheus'), 'mayfly_issue_errors_total{code="target_unreachable"}')).toBe(1)
})

test('no series names a lease, a user or a token, in either form, and there are few of them', async () => {
  const held = await lease(broker)
  for (const text of [await scrape('prometheus'), await scrape()]) {
    for (const secret of [held.lease, held.username, held.password, broker.root]) expect(text).not.toContain(secret)
    expect(text.split('\n').length).toBeLessThan(300)
  }
  const json = JSON.parse(await scrape())
  expect(json.Gauges).toContainEqual({ Name: 'vault_expire_num_leases', Value: 1, Labels: {} })
  expect(json.Counters).toContainEqual({ Name: 'vault_secret_lease_creation', Count: 1, Sum: 1, Labels: {} })
  expect(json.Samples.find(({ Name }: { Name: string }) => Name === 'mayfly_issue_seconds')).toMatchObject({ Count: 1 })
  await expect(scrape('xml')).rejects.toMatchObject({ code: 'invalid_request' })
})

test.each([false, true])('over HTTP with unauthenticated %s', async unauthenticated => {
  const config = { listener: { address: '127.0.0.1:0', tls: 'off' }, storage: { memory: {} }, metrics: { unauthenticated } }
  await using running = await serve(parseConfig(JSON.stringify(config), broker.folder), {
    log: createLog('error'),
    folder: broker.folder,
    seal: new DevSeal()
  })
  const root = 'root-of-the-scrape'
  await running.life.initialise({}, { requestId: 'r', remoteAddress: '127.0.0.1', remotePort: 0 }, root)
  const ask = (headers: Record<string, string>) =>
    fetch(`http://127.0.0.1:${running.listener.port}/v1/sys/metrics?format=prometheus`, { headers })
  const told = await ask({ 'x-vault-token': root })
  expect([told.status, told.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
  expect((await ask({})).status).toBe(unauthenticated ? 200 : 403)
  const text = await (await ask({ 'x-vault-token': root })).text()
  expect(valueOf(text, 'mayfly_http_requests_total{operation="read",status="200"}')).toBeGreaterThan(0)
  expect(valueOf(text, 'mayfly_store_commit_seconds_count')).toBeGreaterThan(0)
  expect(valueOf(text, 'mayfly_store_group_calls')).toBeGreaterThanOrEqual(valueOf(text, 'mayfly_store_groups'))
})

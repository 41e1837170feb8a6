import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { JsonObject } from '../../src/contracts/index.ts'
import { openBroker } from './open-broker.ts'
import type { Answer, TestBroker } from './open-broker.ts'

let broker: TestBroker
let folder: string
let anna: string
let otto: string

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mayfly-holder-'))
  broker = await openBroker()
  for (const mount of ['m', 'n']) {
    await broker.ask('write', `sys/mounts/${mount}`, { type: 'memory' })
    await broker.ask('write', `${mount}/config`, { path: join(folder, `${mount}.db`) })
    await broker.ask('write', `${mount}/roles/app`, { default_ttl: '1h', lease_outlives_token: true })
  }
  await broker.ask('write', 'sys/policies/acl/app', { policy: 'path "+/creds/*" { capabilities = ["read"] }' })
  anna = await broker.token({ policies: ['app'], display_name: 'anna' })
  otto = await broker.token({ policies: ['app'], display_name: 'otto' })
})
afterEach(async () => {
  await broker[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

async function meanwhile(answer: Promise<Answer>): Promise<Answer> {
  const waiting = { done: false }
  const ended = answer.finally(() => (waiting.done = true))
  while (!waiting.done) await broker.clock.advance(100)
  return ended
}

const issue = async (token: string, mount = 'm') => (await broker.ask('read', `${mount}/creds/app`, {}, { token })).lease!.id
const revoke = (data: JsonObject) => meanwhile(broker.ask('write', 'sys/leases/revoke-holder', data))
const live = async () => ((await broker.ask('read', 'sys/holdings')).data as any).holdings.map(({ id }: { id: string }) => id)

test('everything that a name holds ends, at all mounts, also what outlives its token', async () => {
  const [one, two] = [await issue(anna), await issue(anna, 'n')]
  const other = await issue(otto)
  await broker.ask('write', 'auth/token/revoke', { token: anna })
  expect(await live()).toEqual([one, two, other])
  expect(await revoke({ display_name: 'token-anna' })).toMatchObject({ status: 204 })
  expect(await live()).toEqual([other])
  expect(((await broker.ask('read', 'sys/holdings', { id: one })).data as any).holdings[0]).toMatchObject({
    state: 'revoked',
    cause: 'holder'
  })
  expect(await revoke({ display_name: 'token-nobody' })).toMatchObject({ status: 204 })
  await issue(otto)
})

test('at one mount what lies at others stays', async () => {
  const [, there] = [await issue(anna), await issue(anna, 'n')]
  const { accessor } = (await broker.ask('read', 'auth/token/lookup-self', {}, { token: anna })).data as any
  expect(await revoke({ accessor, mount: 'm/' })).toMatchObject({ status: 204 })
  expect(await live()).toEqual([there])
})

test('a target that fails is told, and revoking goes on', async () => {
  await issue(anna)
  await broker.ask('write', 'm/faults', { effect: 'revoke', fault: 'fail_before' })
  const { status, error } = await revoke({ display_name: 'token-anna' })
  expect([status, error]).toEqual([400, expect.stringContaining('failed to revoke entry')])
  await broker.ask('write', 'm/faults', { effect: 'revoke', fault: 'none' })
  await broker.clock.advance('PT1M')
  expect(await live()).toEqual([])
})

test('without waiting it is 202, and done soon', async () => {
  await issue(anna)
  expect(await broker.ask('write', 'sys/leases/revoke-holder', { display_name: 'token-anna', sync: false })).toMatchObject({ status: 202 })
  await broker.clock.advance('PT2S')
  expect(await live()).toEqual([])
})

test.for<readonly [string, JsonObject, string]>([
  ['nobody', {}, 'exactly one of entity, accessor and display_name must be specified'],
  ['an empty name', { entity: '' }, 'exactly one of entity, accessor and display_name must be specified'],
  ['two at once', { entity: 'e', accessor: 'a' }, 'exactly one of entity, accessor and display_name must be specified'],
  ['a mount that is not there', { entity: 'e', mount: 'nowhere' }, 'mount: no mount at this path'],
  ['a field that nobody knows', { entity: 'e', moun: 'm' }, 'moun']
])('%s is refused, and nothing ends', async ([, data, message]) => {
  const lease = await issue(anna)
  const { status, error } = await revoke(data)
  expect([status, error]).toEqual([400, expect.stringContaining(message)])
  expect(await live()).toEqual([lease])
})

/** What many do at once: what can be done once is done once, and what is ended stays ended. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { usersOf } from '../../plugins/memory/target.ts'
import type { Answered, Api } from '../crash/api.ts'
import { brokerUnderAttack } from './broker-under-attack.ts'
import type { BrokerUnderAttack } from './broker-under-attack.ts'

let broker: BrokerUnderAttack
let inits: readonly Answered[]

beforeAll(async () => {
  broker = await brokerUnderAttack({ initialise: initialiseOften })
})
afterAll(() => broker[Symbol.asyncDispose]())

async function initialiseOften(api: Api): Promise<string> {
  inits = await atOnce(100, () => api.ask('PUT', 'sys/init', {}))
  return inits.find(({ status }) => status === 200)!.body.root_token
}

function atOnce<T>(count: number, act: (turn: number) => Promise<T>): Promise<readonly T[]> {
  return Promise.all(Array.from({ length: count }, (_, turn) => act(turn)))
}

/** How often each status was answered. */
function tally(answers: readonly Answered[]): Readonly<Record<number, number>> {
  return Object.fromEntries([...Map.groupBy(answers, ({ status }) => status)].map(([status, all]) => [status, all.length]))
}

const users = () => usersOf(broker.users).map(({ name }) => name)

test('of a hundred that initialise a store one gets its keys', () => {
  expect(tally(inits)).toEqual({ 200: 1, 400: 99 })
})

describe('a token of few uses', () => {
  test.each([1, 3])('used a hundred times at once is used %i times', async uses => {
    const caller = broker.as((await broker.token({ policies: ['default'], num_uses: uses })).token)
    expect(tally(await atOnce(100, () => caller.ask('GET', 'auth/token/lookup-self')))).toEqual({ 200: uses, 403: 100 - uses })
    expect((await caller.ask('GET', 'auth/token/lookup-self')).status).toBe(403)
  })

  test('makes no more credentials than it has uses, and they end with it', async () => {
    const caller = broker.as((await broker.token({ policies: ['app'], num_uses: 2 })).token)
    const answers = await atOnce(100, () => caller.ask('GET', 'users/creds/app'))
    // The last use ends the token, and with it what is being issued.
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(2)
    await expect.poll(users, { timeout: 10_000 }).toEqual([])
  })
})

test('of a hundred that choose one token id, or one mount, one gets it', async () => {
  const ids = await atOnce(100, () => broker.root.ask('POST', 'auth/token/create', { id: 'the-same-for-all', policies: ['default'] }))
  expect(tally(ids)).toEqual({ 200: 1, 400: 99 })
  expect(tally(await atOnce(20, () => broker.root.ask('POST', 'sys/mounts/once', { type: 'memory' })))).toEqual({ 204: 1, 400: 19 })
})

test('renewals race revocations of one lease: a renewal is granted before the end or refused, and nothing is kept', async () => {
  const caller = broker.as((await broker.token({ policies: ['app'] })).token)
  for (let round = 0; round < 10; round++) {
    const { lease_id } = await caller.must('GET', 'users/creds/app')
    const answers = await atOnce(10, turn =>
      caller.ask('PUT', `sys/leases/${turn % 3 === 2 ? 'revoke' : 'renew'}`, { lease_id, increment: 60 })
    )
    for (const [turn, { status }] of answers.entries()) expect(turn % 3 === 2 ? [204] : [200, 400]).toContain(status)
    expect(users()).toEqual([])
  }
})

test('row 34: a parent is revoked while children and credentials are made below it: each ends or never was', async () => {
  await broker.policy('maker', { 'auth/token/create': ['update'] })
  const parent = broker.as((await broker.token({ policies: ['app', 'maker'], ttl: '1h' })).token)
  const children: Api[] = []
  const makers = atOnce(8, async () => {
    for (;;) {
      const made = await parent.ask('POST', 'auth/token/create', { ttl: '1h' })
      if (made.status === 403) return
      expect(made.status).toBe(200)
      const child = broker.as(made.body.auth.client_token)
      children.push(child)
      await child.ask('GET', 'users/creds/app')
    }
  })
  while (children.length < 40) await new Promise(resolve => setTimeout(resolve, 5))
  await parent.must('POST', 'auth/token/revoke-self')
  await makers
  expect(tally(await Promise.all(children.map(child => child.ask('GET', 'auth/token/lookup-self'))))).toEqual({ 403: children.length })
  await expect.poll(users, { timeout: 15_000 }).toEqual([])
  const { data } = await broker.root.must('GET', 'sys/holdings')
  expect(data.holdings).toEqual([])
})

test('row 51: a policy is toggled under 2,000 requests: each is decided by one whole version, and after the acknowledgement by the new one', async () => {
  const versions = [
    { 'users/roles/*': ['read'], 'users/config': ['deny'] },
    { 'users/roles/*': ['deny'], 'users/config': ['read'] }
  ]
  await broker.policy('toggled', versions[0]!)
  const caller = broker.as((await broker.token({ policies: ['toggled'] })).token)
  const paths = ['users/roles/app', 'users/config']
  const seen = async () => {
    const { data } = await caller.must('POST', 'sys/capabilities-self', { paths })
    return paths.map(path => data[path].join()).join()
  }
  const whole = ['read,deny', 'deny,read']
  const count = { asked: 0, toggles: 0 }
  const clients = atOnce(16, async () => {
    for (; count.asked < 2_000; count.asked++) expect(whole).toContain(await seen())
  })
  for (; count.asked < 2_000; count.toggles++) {
    const now = (count.toggles + 1) % 2
    await broker.policy('toggled', versions[now]!)
    expect(await seen()).toBe(whole[now])
    expect((await caller.ask('GET', paths[now]!)).status).toBe(200)
    expect((await caller.ask('GET', paths[1 - now]!)).status).toBe(403)
  }
  await clients
  expect(count.toggles).toBeGreaterThan(10)
})

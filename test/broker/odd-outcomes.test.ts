import { expect, test } from 'vitest'
import type { RevokeOutcome } from '../../src/contracts/index.ts'
import { unchain } from '../../src/audit/chain.ts'
import { oddBackend } from './odd-backend.ts'
import type { Revoke } from './odd-backend.ts'
import { dataOf, smallBroker } from './small-broker.ts'
import type { SmallBroker, SmallBrokerOptions } from './small-broker.ts'

async function oddBroker(revoke: Revoke, options: SmallBrokerOptions = {}): Promise<SmallBroker> {
  const broker = await smallBroker({ ...options, backends: [oddBackend(revoke)] })
  await broker.ask('write', 'sys/mounts/odd', { type: 'odd' })
  return broker
}

async function issued(broker: SmallBroker, recipe = 'plain'): Promise<string> {
  return (await broker.ask('read', `odd/creds/${recipe}`)).lease!.id
}

async function stateOf(broker: SmallBroker, id: string): Promise<string> {
  return dataOf(await broker.ask('read', 'sys/holdings', { id })).holdings[0].state
}

async function auditOf(broker: SmallBroker): Promise<any[]> {
  const lines = await broker.store.auditLines(0, 10_000)
  return lines.map(({ line }) => JSON.parse(unchain(line)?.body ?? line))
}

const noOutcomes: readonly (readonly [string, unknown])[] = [
  ['nothing', undefined],
  ['a kind that nobody knows', { kind: 'perhaps' }],
  ['an end without a next look', { kind: 'ended', waiting: 'a moment' }],
  ['a next look that is no moment', { kind: 'outlives', until: 'later', again: 'soon', why: 'so' }]
]

test.for(noOutcomes)('a backend that answers %s for one lease holds up no other', async ([, answer]) => {
  await using broker = await oddBroker(async ({ leases }) =>
    leases.map(({ lease }) => (lease === bad ? answer : { kind: 'gone' }) as RevokeOutcome)
  )
  const bad = await issued(broker)
  await broker.clock.advance('PT1S')
  const good = await issued(broker)
  await broker.clock.advance('PT1H5S')
  expect(await stateOf(broker, good)).toBe('revoked')
  expect(await stateOf(broker, bad)).toBe('revoking')
})

test('a backend that answers no list fails its leases and nothing else', async () => {
  await using broker = await oddBroker(async () => 'all done' as unknown as RevokeOutcome[])
  const id = await issued(broker)
  await broker.clock.advance('PT1H5S')
  expect(dataOf(await broker.ask('read', 'sys/holdings', { id })).holdings[0]).toMatchObject({ state: 'revoking', revoke_error: 'Error' })
})

test('a recipe that always fails keeps the leases of no other recipe waiting', async () => {
  await using broker = await oddBroker(async ({ recipe, leases }) => {
    if (recipe === 'poison') throw new Error('no such right')
    return leases.map(() => ({ kind: 'gone' }))
  })
  const poison = await issued(broker, 'poison')
  const others = await Promise.all(['one', 'two', 'three'].map(recipe => issued(broker, recipe)))
  await broker.clock.advance('PT1H30S')
  for (const id of others) expect(await stateOf(broker, id)).toBe('revoked')
  expect(await stateOf(broker, poison)).toBe('revoking')
})

test('a next look that lies in the past is no reason to look without a pause', async () => {
  let calls = 0
  await using broker = await oddBroker(async ({ leases }) => {
    calls++
    return leases.map(() => ({ kind: 'ended', again: Temporal.Instant.fromEpochMilliseconds(0), waiting: 'a clean-up' }))
  })
  await issued(broker)
  await broker.clock.advance('PT1H')
  await broker.clock.advance('PT20S')
  expect(calls).toBeGreaterThan(5)
  expect(calls).toBeLessThan(25)
})

test('a next look that lies in another century comes within the hour', async () => {
  let calls = 0
  await using broker = await oddBroker(async ({ leases }) => {
    calls++
    const never = Temporal.Instant.from('2199-01-01T00:00:00Z')
    return leases.map(() => ({ kind: 'ended', again: never, waiting: 'a second look' }))
  })
  await issued(broker)
  await broker.clock.advance('PT1H5S')
  expect(calls).toBe(1)
  await broker.clock.leap('PT1H5S', 1_000)
  expect(calls).toBe(2)
})

test('what outlives its revocation says until when and why, is looked at when it asked for it, and closes when its time is over', async () => {
  const looks: Temporal.Instant[] = []
  let until: Temporal.Instant | undefined
  await using broker = await oddBroker(async ({ leases }) => {
    const now = broker.clock.now()
    looks.push(now)
    until ??= now.add({ hours: 12 })
    return leases.map(() => ({ kind: 'outlives', until: until!, again: now.add({ hours: 5 }), why: 'two hosts lag behind' }))
  })
  const id = await issued(broker)
  const revoked = broker.ask('write', 'sys/leases/revoke', { lease_id: id })
  await broker.clock.advance('PT1S')
  expect((await revoked).status).toBe(204)
  expect(dataOf(await broker.ask('write', 'sys/leases/lookup', { lease_id: id }))).toMatchObject({
    state: 'revoking',
    cause: 'manual',
    outlives_until: until!.toString(),
    waits_for: 'two hosts lag behind',
    ended_time: null
  })
  // Nobody need wait for it: its target has the last word until then.
  const prefix = broker.ask('write', 'sys/leases/revoke-prefix/odd')
  await broker.clock.advance('PT1S')
  expect((await prefix).status).toBe(204)
  await broker.clock.leap('PT12H', 2_000)
  await broker.clock.advance('PT5S')
  const hours = looks.map(look => Math.round(look.since(looks[0]!).total('hours')))
  expect([...new Set(hours)]).toEqual([0, 5, 10, 12])
  const { holdings } = dataOf(await broker.ask('read', 'sys/holdings', { id }))
  expect(holdings[0]).toMatchObject({ state: 'revoked', outlives_until: until!.toString() })
  expect(holdings[0]).not.toHaveProperty('revoke_error')
  const entries = (await auditOf(broker)).filter(({ operation }) => operation === 'revoke')
  expect(entries.map(({ revocation }) => revocation.outcome)).toEqual(['outlives', 'gone'])
})

test('who waits for a revocation is not told the words of a driver', async () => {
  await using broker = await oddBroker(async ({ leases }) =>
    leases.map(() => ({ kind: 'failed', error: new Error('syntax error near PASSWORD hunter2 at db.internal') }))
  )
  const id = await issued(broker)
  const refused = await broker.ask('write', 'sys/leases/revoke', { lease_id: id }).catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('failed to revoke entry') })
  expect(String(refused)).not.toMatch(/hunter2|db\.internal/)
})

test('a lease that fails for the same long reason again is one entry, and one line of the log', async () => {
  const why = `the server refused: ${'a long story '.repeat(40)}`
  const { BrokerError } = await import('../../src/contracts/index.ts')
  await using broker = await oddBroker(async ({ leases }) =>
    leases.map(() => ({ kind: 'failed', error: new BrokerError('target_refused', why) }))
  )
  await issued(broker)
  await broker.clock.advance('PT1H')
  await broker.clock.leap('PT5M', 1_000)
  const entries = (await auditOf(broker)).filter(entry => entry.operation === 'revoke')
  expect(entries).toHaveLength(1)
  expect(broker.log.filter(line => line.includes('a revocation failed'))).toHaveLength(1)
})

test('a broker that is sealed in the middle of a revocation blames no target, and goes on at once when it is unsealed', async () => {
  let hang = true
  const revoke: Revoke = async ({ leases }, signal) => {
    if (hang) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
    return leases.map(() => ({ kind: 'gone' }))
  }
  await using broker = await oddBroker(revoke, { seal: 'shamir' })
  const id = await issued(broker)
  await broker.clock.advance('PT1H5S')
  hang = false
  await broker.life.seal()
  await broker.unseal()
  await broker.clock.advance('PT2S')
  expect(await stateOf(broker, id)).toBe('revoked')
  expect((await auditOf(broker)).filter(entry => entry.operation === 'circuit')).toEqual([])
})

test('a backend that heeds no signal does not keep the broker from being sealed', async () => {
  await using broker = await oddBroker(() => new Promise(() => undefined))
  await issued(broker)
  await broker.clock.advance('PT1H5S')
  const sealed = broker.life.seal()
  await broker.clock.advance('PT5S')
  await sealed
  expect(broker.life.sealed()).toBe(true)
})

test('a backend that looks at a target which does not answer is given up, although its caller waits', async () => {
  await using broker = await oddBroker(async () => [])
  const answer = broker.ask('read', 'odd/wait').catch((error: unknown) => error)
  await broker.clock.advance('PT26S')
  expect(await answer).toMatchObject({ code: 'target_unreachable' })
})

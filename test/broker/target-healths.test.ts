import { expect, test } from 'vitest'
import { TargetHealths } from '../../src/broker/sweep/target-healths.ts'
import { BrokerError } from '../../src/contracts/index.ts'
import type { BackendContext, TargetId } from '../../src/contracts/index.ts'
import { openMemory } from '../../src/store/sqlite/open.ts'
import { TestClock } from '../sim/test-clock.ts'
import { oddBackend } from './odd-backend.ts'
import { smallBroker } from './small-broker.ts'

const target = 'one' as TargetId

async function watched() {
  const clock = new TestClock()
  const store = await openMemory()
  const healths = new TargetHealths({ clock, store })
  const call = async (milliseconds: number, error?: Error) => {
    await clock.advance(milliseconds)
    if (error) throw error
  }
  /** A call of so many milliseconds, on a clock that somebody else winds. */
  const took = (milliseconds: number, error?: Error) => healths.watch(target, () => call(milliseconds, error)).catch(() => undefined)
  return { clock, healths, took, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() }
}

test('of a target that was never asked nothing is known', async () => {
  await using under = await watched()
  expect(await under.healths.of(target)).toEqual({ state: 'unknown', failures: 0 })
  expect(under.healths.latencyMs(target)).toBeUndefined()
})

test('what answered last counts, how long it takes weighs the last call most, and a refusal is an answer', async () => {
  await using under = await watched()
  await under.took(100)
  await under.took(200)
  expect(await under.healths.of(target)).toEqual({
    state: 'answers',
    failures: 0,
    latencyMs: 120,
    lastAnswerAt: under.clock.now()
  })
  await under.took(50, new BrokerError('target_unreachable', 'nobody there at db.internal', { cause: new Error('password hunter2') }))
  const failing = await under.healths.of(target)
  expect(failing).toMatchObject({ state: 'fails', lastErrorAt: under.clock.now(), lastError: expect.stringContaining('nobody there') })
  expect(JSON.stringify(failing)).not.toContain('hunter2')
  await under.took(10, new BrokerError('target_refused', 'no such right'))
  expect(await under.healths.of(target)).toMatchObject({ state: 'answers', lastError: expect.stringContaining('no such right') })
})

test('what failed on this side tells nothing of the target', async () => {
  await using under = await watched()
  await under.took(100)
  await under.took(50, new BrokerError('invalid_request', 'password_policy: no such policy'))
  expect(await under.healths.of(target)).toMatchObject({ state: 'answers', latencyMs: 100 })
  expect(await under.healths.of(target)).not.toHaveProperty('lastError')
})

test('a backend reads the circuit of its target as the sweeper left it, and that it closed', async () => {
  let fails = true
  let context: BackendContext | undefined
  const odd = oddBackend(async ({ leases }) => {
    if (fails) throw new BrokerError('target_unreachable', 'nobody there')
    return leases.map(() => ({ kind: 'gone' }))
  })
  await using broker = await smallBroker({ backends: [{ ...odd, open: async given => odd.open((context = given)) }] })
  await broker.ask('write', 'sys/mounts/odd', { type: 'odd' })
  const { lease } = await broker.ask('read', 'odd/creds/plain')
  const health = () => context!.health(`${context!.mount.uuid}/1` as TargetId)
  expect(await health()).toMatchObject({ state: 'answers', failures: 0 })
  await broker.ask('write', 'sys/leases/revoke', { lease_id: lease!.id, sync: false })
  await broker.clock.advance('PT10S')
  expect(await health()).toMatchObject({
    state: 'fails',
    failures: expect.any(Number),
    failingSince: expect.any(Temporal.Instant),
    retryAt: expect.any(Temporal.Instant),
    lastError: expect.stringContaining('nobody there')
  })
  fails = false
  await broker.clock.advance('PT1M')
  expect(await health()).toMatchObject({ state: 'answers', failures: 0 })
})

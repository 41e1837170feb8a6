/** Kills the broker while it wraps and unwraps: nothing is opened twice, and what nobody opened is revoked. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { wrapPoints } from '../../src/broker/crash-point.ts'
import { runSuite } from './suite.ts'
import { Wrapped, wrapping } from './suites/wrapping.ts'

// Each starts the program several times.
const timeout = 240_000

let wrapped: Wrapped

beforeAll(async () => {
  wrapped = await Wrapped.open()
}, timeout)
afterAll(() => wrapped[Symbol.asyncDispose]())

test.each(wrapPoints.filter(point => point.startsWith('wrap:')))(
  'a death at %s leaves nothing that nobody will revoke',
  { timeout },
  async point => {
    {
      await using broker = await wrapped.stand.started(point)
      expect(await wrapped.wrap('2s')).toBeUndefined()
      await broker.ended
      expect(broker.killed).toBe(true)
    }
    expect(wrapped.users()).toHaveLength(1)
    await using broker = await wrapped.stand.started()
    expect(await wrapped.usersAtMost(0)).toEqual([])
    await broker.stop()
  }
)

test.each([
  ['unwrap:before-commit', true],
  ['unwrap:after-commit', false]
] as const)('after a death at %s the token opens again: %s', { timeout }, async (point, again) => {
  let token: string | undefined
  {
    await using broker = await wrapped.stand.started(point)
    token = await wrapped.wrap('10m')
    expect(await wrapped.unwrap(token!)).toBeUndefined()
    await broker.ended
    expect(broker.killed).toBe(true)
  }
  await using broker = await wrapped.stand.started()
  expect(await wrapped.unwrap(token!)).toEqual(again ? expect.stringMatching(/^m-app-/) : 'dead')
  expect(await wrapped.unwrap(token!)).toBe('dead')
  await wrapped.forgetAll()
  expect(wrapped.users()).toEqual([])
  await broker.stop()
})

test('across kills at any moment no token opens twice, and all that was never opened is revoked', { timeout }, async () => {
  const report = await runSuite(wrapping, { each: 1, random: 6 })
  expect(report).toMatchObject({ unreached: [], broken: [] })
  expect(report.answered).toBeGreaterThan(3)
})

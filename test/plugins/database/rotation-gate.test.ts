import { expect, test } from 'vitest'
import { RotationGate } from '../../../plugins/database/static/rotation-gate.ts'
import { BrokerError } from '../../../src/contracts/index.ts'
import type { TargetId } from '../../../src/contracts/index.ts'
import { TestClock } from '../../sim/test-clock.ts'

const [target, other] = ['target' as TargetId, 'other' as TargetId]
const never = new AbortController().signal

test('a few rotations at a time for each server, and another server waits for none of them', async () => {
  const gate = new RotationGate(new TestClock())
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  let [running, most] = [0, 0]
  const work = async () => {
    most = Math.max(most, ++running)
    await held
    running -= 1
  }
  const all = Array.from({ length: 30 }, () => gate.pass(target, never, work))
  await gate.pass(other, never, async () => undefined)
  release()
  await Promise.all(all)
  expect(most).toBe(8)
})

test('while a server is away, those who find out speak for all who wait', async () => {
  const clock = new TestClock()
  const gate = new RotationGate(clock)
  let tries = 0
  const fails = async () => {
    tries += 1
    await clock.sleep(1_000)
    throw new BrokerError('target_unreachable', 'cannot reach the server')
  }
  const all = Promise.allSettled(Array.from({ length: 100 }, () => gate.pass(target, never, fails)))
  await clock.advance('PT1S')
  expect((await all).every(({ status }) => status === 'rejected')).toBe(true)
  expect(tries).toBe(8)
  await clock.advance('PT6S')
  await expect(gate.pass(target, never, async () => 'back')).resolves.toBe('back')
})

test('a refusal is its own affair', async () => {
  const gate = new RotationGate(new TestClock())
  const refused = gate.pass(target, never, () => Promise.reject(new BrokerError('target_refused', '42501')))
  await expect(refused).rejects.toThrow('42501')
  await expect(gate.pass(target, never, async () => 'done')).resolves.toBe('done')
})

test('who waits leaves when its time is over, and takes no place', async () => {
  const gate = new RotationGate(new TestClock())
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  const all = Array.from({ length: 8 }, () => gate.pass(target, never, () => held))
  const stop = new AbortController()
  const waits = gate.pass(target, stop.signal, async () => undefined)
  const after = gate.pass(target, never, async () => 'after')
  stop.abort()
  await expect(waits).rejects.toThrow('its turn did not come in time')
  release()
  await expect(after).resolves.toBe('after')
  await Promise.all(all)
})

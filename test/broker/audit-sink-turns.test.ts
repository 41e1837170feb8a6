/** How much of the trail a sink is handed at once. */
import { expect, test } from 'vitest'
import type { AuditSink } from '../../src/contracts/index.ts'
import { TestClock } from '../sim/test-clock.ts'
import { smallBroker } from './small-broker.ts'

// As a caller makes them whose every field has a long name.
const body = `{"time":"2026-11-24T00:00:00Z","type":"request","long":"${'x'.repeat(1_000_000)}"}`

test('a sink that is far behind gets megabytes at a time, and never all at once', async () => {
  const sizes: number[] = []
  let stalled = true
  let seen = 0
  const sink: AuditSink = {
    name: 'slow',
    write: async lines => {
      if (stalled) throw new Error('stalls')
      sizes.push(lines.reduce((sum, line) => sum + line.length, 0))
      seen += lines.length
    },
    [Symbol.asyncDispose]: async () => undefined
  }
  await using broker = await smallBroker({ sinks: async () => [sink] })
  for (let i = 0; i < 30; i++) await broker.store.commit([], [body])
  const { seq } = await broker.store.chainHead()
  stalled = false
  await broker.clock.advance(2_000)
  await expect.poll(() => seen).toBeGreaterThanOrEqual(seq)
  expect(Math.max(...sizes)).toBeLessThan(18_000_000)
  expect(sizes.length).toBeGreaterThanOrEqual(2)
})

test('one that takes a megabyte a second gets on all the same', async () => {
  const clock = new TestClock()
  let seen = 0
  const sink: AuditSink = {
    name: 'slow',
    write: async (lines, signal) => {
      await clock.sleep(lines.reduce((sum, line) => sum + line.length, 0) / 1_000, signal)
      seen += lines.length
    },
    [Symbol.asyncDispose]: async () => undefined
  }
  await using broker = await smallBroker({ clock, sinks: async () => [sink] })
  for (let i = 0; i < 20; i++) await broker.store.commit([], [body])
  const { seq } = await broker.store.chainHead()
  await clock.advance(90_000)
  expect(seen).toBeGreaterThanOrEqual(seq)
})

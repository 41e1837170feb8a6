import { expect, test } from 'vitest'
import { Lane } from '../../src/store/sqlite/threads/lane.ts'
import type { Call } from '../../src/store/sqlite/threads/lane.ts'

const read = (n: number) => ({ read: 'entry', parameters: [n] })
const answer = (calls: readonly Call[]) => calls.map(({ id }) => ({ id, value: id }))

test('calls of one turn travel in few messages, and no caller waits for a message to fill up', async () => {
  const messages: number[] = []
  const lane: Lane = new Lane(calls => {
    messages.push(calls.length)
    lane.answered(answer(calls))
  }, queueMicrotask)
  const answers = Array.from({ length: 19 }, (_, n) => lane.ask(read(n)))
  expect(await Promise.all(answers)).toEqual(Array.from({ length: 19 }, (_, n) => n + 1))
  expect(messages).toEqual([8, 8, 3])
})

test('what was asked before the end is sent, what comes after it is refused', async () => {
  const sent: Call[] = []
  const lane = new Lane(calls => sent.push(...calls), queueMicrotask)
  const before = lane.ask(read(1))
  lane.finish()
  await expect(lane.ask(read(2))).rejects.toThrow('the store is closed')
  lane.answered(answer(sent))
  expect(await before).toBe(1)
})

test('when the worker has failed, everybody who waits hears of it', async () => {
  const lane = new Lane(() => undefined, queueMicrotask)
  const waiting = Array.from({ length: 9 }, (_, n) => lane.ask(read(n)))
  lane.breakOff(new Error('it has failed'))
  for (const one of await Promise.allSettled(waiting)) expect(one.status).toBe('rejected')
  await expect(lane.ask(read(1))).rejects.toThrow('it has failed')
})

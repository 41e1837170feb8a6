/** Tasks of one mount that hang, and those of another. */
import { expect, test } from 'vitest'
import { field, path } from '../../src/contracts/index.ts'
import type { BackendType } from '../../src/contracts/index.ts'
import { smallBroker } from './small-broker.ts'

/** `begin` schedules tasks of the kind `hangs`, whose target never answers, or `works`. */
function working(ran: string[]): BackendType {
  return {
    type: 'working',
    open: async ({ clock, mount }) => ({
      paths: [
        path({
          pattern: 'begin/:task',
          summary: 'schedules tasks',
          fields: { count: field.integer() },
          write: async ({ params, fields }, storage) => {
            for (let n = 0; n < (fields.count ?? 1); n++) storage.schedule(params['task']!, String(n), clock.now(), null)
            return undefined
          }
        })
      ],
      credentials: {},
      tasks: {
        hangs: {
          run: (_, __, signal) => {
            ran.push(`${mount.path} hangs`)
            return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('silent')), { once: true }))
          }
        },
        works: {
          run: async () => {
            ran.push(`${mount.path} works`)
            return { done: true }
          }
        }
      },
      [Symbol.asyncDispose]: async () => undefined
    })
  }
}

test('hundreds of tasks of one mount that hang keep no task of another waiting', async () => {
  const ran: string[] = []
  await using broker = await smallBroker({ backends: [working(ran)] })
  for (const mount of ['dead', 'alive']) await broker.ask('write', `sys/mounts/${mount}`, { type: 'working' })
  await broker.ask('write', 'dead/begin/hangs', { count: 300 })
  await broker.clock.advance(2_000)
  await broker.ask('write', 'alive/begin/works')
  await broker.clock.advance(5_000)
  expect(ran).toContain('alive/ works')
  expect(ran.filter(one => one === 'dead/ hangs').length).toBeGreaterThanOrEqual(50)
  // Nor are the others of the same mount forgotten.
  await broker.clock.advance(600_000)
  expect(ran.filter(one => one === 'dead/ hangs').length).toBeGreaterThanOrEqual(300)
})

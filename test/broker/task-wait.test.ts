/** A request that is answered once a task has run, over a backend whose only task does what the test says. */
import { expect, test } from 'vitest'
import { path } from '../../src/contracts/index.ts'
import type { BackendType, TaskOutcome, TaskSettled } from '../../src/contracts/index.ts'
import { smallBroker } from './small-broker.ts'
import type { SmallBroker } from './small-broker.ts'

type Run = (signal: AbortSignal, put: (text: string) => void) => Promise<TaskOutcome>

/** `ask` schedules the task and waits for it, `again` schedules it and does not. */
class Working {
  run: Run = async () => ({ done: true })
  runs = 0
  told: (TaskSettled | undefined)[] = []

  readonly type: BackendType = {
    type: 'working',
    open: async ({ clock }) => ({
      paths: [
        path({
          pattern: 'ask',
          summary: 'the work, waited for',
          write: async (_, storage) => {
            storage.schedule('work', 'it', clock.now(), null)
            const answer = async (settled: TaskSettled | undefined) => {
              this.told.push(settled)
              return { data: { seen: (await storage.get('text'))?.value ?? '' } }
            }
            return { after: { task: 'work', key: 'it', answer } }
          }
        }),
        path({
          pattern: 'again',
          summary: 'the work, scheduled anew',
          write: async (_, storage) => {
            storage.schedule('work', 'it', clock.now(), null)
            return undefined
          }
        })
      ],
      credentials: {},
      tasks: {
        work: {
          run: (_, storage, signal) => {
            this.runs += 1
            return this.run(signal, text => storage.put('text', text))
          }
        }
      },
      [Symbol.asyncDispose]: async () => {}
    })
  }
}

async function withWork(): Promise<{ broker: SmallBroker; working: Working } & AsyncDisposable> {
  const working = new Working()
  const broker = await smallBroker({ backends: [working.type] })
  await broker.ask('write', 'sys/mounts/w', { type: 'working' })
  return { broker, working, [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose]() }
}

async function entries(broker: SmallBroker): Promise<readonly string[]> {
  const lines = (await broker.store.auditLines(0, 1_000)).map(({ line }) => JSON.parse(line))
  return lines
    .filter(({ operation, request }) => operation === 'task' || request?.path === 'w/ask')
    .map(({ type, task, error }) => error ?? task?.did ?? type)
}

test('the promise is committed before the run, and the reply tells what the run has committed', async () => {
  await using at = await withWork()
  at.working.run = async (_, put) => {
    expect(await entries(at.broker)).toEqual(['request'])
    put('written by the task')
    return { done: true, did: 'worked' }
  }
  expect(await at.broker.ask('write', 'w/ask')).toMatchObject({ status: 200, data: { seen: 'written by the task' } })
  expect(at.working.told).toEqual([{ kind: 'done' }])
  expect(await entries(at.broker)).toEqual(['request', 'worked', 'response'])
})

test('a failure and a reason not to be done are told, and the task runs again by itself', async () => {
  await using at = await withWork()
  at.working.run = () => Promise.reject(new Error('password=hunter2'))
  await at.broker.ask('write', 'w/ask')
  at.working.run = async () => ({ done: true, why: 'nobody is there' })
  await at.broker.clock.advance('PT5S')
  await at.broker.ask('write', 'w/ask')
  expect(at.working.told).toEqual([
    { kind: 'failed', error: 'internal error' },
    { kind: 'failed', error: 'nobody is there', over: true }
  ])
  expect(at.working.runs).toBe(3)
})

test('who waits is answered after 20 s, and the task goes on', async () => {
  await using at = await withWork()
  const { promise, resolve } = Promise.withResolvers<TaskOutcome>()
  at.working.run = () => promise
  const asked = at.broker.ask('write', 'w/ask')
  await at.broker.clock.advance('PT19S')
  expect(at.working.told).toEqual([])
  await at.broker.clock.advance('PT2S')
  expect(await asked).toMatchObject({ status: 200 })
  expect(at.working.told).toEqual([undefined])
  resolve({ done: true, did: 'late' })
  await at.broker.clock.advance('PT1S')
  expect(await entries(at.broker)).toContain('late')
})

test('a run that is overtaken by a new schedule keeps what it wrote, in the audit too, and the next one is waited for', async () => {
  await using at = await withWork()
  const { promise, resolve } = Promise.withResolvers<TaskOutcome>()
  at.working.run = async (_, put) => {
    put('first')
    return await promise
  }
  await at.broker.ask('write', 'w/again')
  await at.broker.clock.advance('PT1S')
  expect(at.working.runs).toBe(1)
  const asked = at.broker.ask('write', 'w/ask')
  await at.broker.clock.advance('PT1S')
  at.working.run = async () => ({ done: true, did: 'the second' })
  resolve({ done: true, did: 'the first' })
  await at.broker.clock.advance('PT2S')
  expect(await asked).toMatchObject({ data: { seen: 'first' } })
  expect(at.working.runs).toBe(2)
  expect(await entries(at.broker)).toEqual(['request', 'the first', 'the second', 'response'])
})

test('a task that asks for a run in a month is left alone until then, and one that asks for it at once does not spin', async () => {
  await using at = await withWork()
  at.working.run = async () => ({ again: at.broker.clock.now().add({ hours: 24 * 30 }) })
  await at.broker.ask('write', 'w/ask')
  await at.broker.clock.leap('PT72H', 600_000)
  expect(at.working.runs).toBe(1)
  at.working.run = async () => ({ again: at.broker.clock.now() })
  await at.broker.ask('write', 'w/again')
  await at.broker.clock.advance('PT10S')
  expect(at.working.runs).toBeGreaterThan(5)
  expect(at.working.runs).toBeLessThan(15)
})

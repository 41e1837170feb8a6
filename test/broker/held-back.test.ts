/** A reply that is held back until the target knows the credential everywhere. */
import { expect, test } from 'vitest'
import { memory } from '../../plugins/memory/index.ts'
import { perform } from '../../src/broker/door/perform.ts'
import type { WireRequest } from '../../src/broker/door/request.ts'
import type { BackendType, Issued } from '../../src/contracts/index.ts'
import { dataOf, smallBroker } from './small-broker.ts'
import type { SmallBroker } from './small-broker.ts'

/** Users in a file, whose reply waits. */
function waiting(afterwards: (clock: SmallBroker['clock']) => NonNullable<Issued['afterwards']>): BackendType {
  return {
    type: 'waiting',
    async open(context) {
      const backend = await memory.open(context)
      const user = backend.credentials['user']!
      const issue = async (...asked: Parameters<NonNullable<typeof user.issue>>) => ({
        ...(await user.issue!(...asked)),
        afterwards: afterwards(context.clock as SmallBroker['clock'])
      })
      return {
        ...backend,
        credentials: { user: { ...user, issue, mint: undefined as never } },
        [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose]()
      }
    }
  }
}

async function brokerThatWaits(afterwards: Parameters<typeof waiting>[0]): Promise<SmallBroker> {
  const broker = await smallBroker({ backends: [waiting(afterwards)] })
  await broker.ask('write', 'sys/mounts/users', { type: 'waiting' })
  await broker.ask('write', 'users/config', { path: broker.target })
  await broker.ask('write', 'users/roles/app', { default_ttl: '1h' })
  return broker
}

const credsRequest: Omit<WireRequest, 'token' | 'gone'> = {
  id: 'one',
  operation: 'read',
  path: 'users/creds/app',
  data: {},
  remoteAddress: '127.0.0.1',
  remotePort: 1,
  userAgent: undefined,
  wrapSeconds: 0
}

test('the lease is active meanwhile, no place at the target is taken, and what came of it is a warning', async () => {
  await using broker = await brokerThatWaits(clock => async signal => {
    await clock.sleep(5_000, signal)
    return ['not known everywhere yet']
  })
  let answered = 0
  // More than may be on their way to a target at a time.
  const asked = Array.from({ length: 80 }, () => broker.ask('read', 'users/creds/app').then(reply => (answered++, reply)))
  const active = async () =>
    dataOf(await broker.ask('read', 'sys/holdings', { limit: 1000 })).holdings.filter((one: any) => one.state === 'active').length
  while ((await active()) < 80) await broker.clock.advance(1)
  expect(answered).toBe(0)
  await broker.clock.advance('PT5S')
  const replies = await Promise.all(asked)
  expect(replies.map(({ warnings = [] }) => warnings.at(-1))).toEqual(Array.from({ length: 80 }, () => 'not known everywhere yet'))
})

test('nobody waits for longer than 30 s, nor for what fails', async () => {
  await using slow = await brokerThatWaits(clock => async signal => {
    await clock.sleep(3_600_000, signal)
    return ['never']
  })
  const asked = slow.ask('read', 'users/creds/app')
  await slow.clock.advance('PT31S')
  expect((await asked).lease).toBeDefined()
  await using failing = await brokerThatWaits(() => () => Promise.reject(new Error('it failed')))
  expect((await failing.ask('read', 'users/creds/app')).lease).toBeDefined()
  expect(failing.log.join()).toContain('a credential could not be waited for')
})

test('what was waited is no part of the time that a caller is told, and what is over by then does not leave', async () => {
  await using broker = await brokerThatWaits(clock => async signal => {
    await clock.sleep(20_000, signal)
    return []
  })
  const asked = broker.ask('read', 'users/creds/app')
  await broker.clock.advance('PT21S')
  expect((await asked).lease).toMatchObject({ seconds: 3_580 })
  await broker.ask('write', 'users/roles/app', { default_ttl: '15s' })
  const late = broker.ask('read', 'users/creds/app')
  late.catch(() => undefined)
  await broker.clock.advance('PT21S')
  await expect(late).rejects.toMatchObject({ code: 'target_silent' })
})

test('what is made for a caller who has gone meanwhile is revoked', async () => {
  await using broker = await brokerThatWaits(clock => async signal => {
    await clock.sleep(20_000, signal)
    return []
  })
  const leaving = new AbortController()
  const asked = perform(broker.life.parts()!, { ...credsRequest, token: broker.root, gone: leaving.signal })
  asked.catch(() => undefined)
  const states = async () =>
    dataOf(await broker.ask('read', 'sys/holdings', { ended: true })).holdings.map((one: any) => `${one.state} ${one.cause}`)
  while ((await states()).join() !== 'active null') await broker.clock.advance(10)
  leaving.abort()
  await broker.clock.advance('PT2S')
  await expect(asked).rejects.toMatchObject({ code: 'caller_gone' })
  await broker.clock.advance('PT2S')
  expect(await states()).toEqual(['revoked issue-failed'])
})

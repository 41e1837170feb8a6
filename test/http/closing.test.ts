import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { bytes } from './raw-client.ts'
import { serving } from './serving.ts'
import { testCertificate } from './test-certificate.ts'

test.each(['plain', 'tls'] as const)('closing lets what is under way finish, and nobody new in (%s)', async kind => {
  await using served = await serving(kind === 'tls' ? { tls: testCertificate() } : {})
  const answer = Promise.withResolvers<void>()
  served.door.answer = ({ id }) => answer.promise.then(() => ({ requestId: id, status: 200, data: { done: true } }))
  using busy = served.connect()
  using idle = served.connect()
  await idle.send(bytes('GET', '/v1/sys/health'))
  await idle.reply()
  await busy.send(bytes('GET', '/v1/a'))
  await expect.poll(() => served.door.asked.length).toBe(1)
  const closed = served.listener.close(10_000)
  await idle.end()
  await expect(
    new Promise((resolve, reject) => connect(served.listener.port, '127.0.0.1').once('connect', resolve).once('error', reject))
  ).rejects.toThrow('ECONNREFUSED')
  answer.resolve()
  expect(await busy.reply()).toMatchObject({ status: 200 })
  await busy.end()
  await closed
})

test('a request on a busy connection that comes while closing is told that it is the last', async () => {
  await using served = await serving()
  const finish: (() => void)[] = []
  served.door.answer = ({ id }) => new Promise(resolve => finish.push(() => resolve({ requestId: id, status: 200, data: {} })))
  using busy = served.connect()
  await busy.send(bytes('GET', '/v1/a'))
  await expect.poll(() => finish.length).toBe(1)
  const closed = served.listener.close(10_000)
  await busy.send(bytes('GET', '/v1/b'))
  await expect.poll(() => finish.length).toBe(2)
  for (const each of finish) each()
  expect((await busy.reply())?.headers['connection']).toBe('keep-alive')
  expect((await busy.reply())?.headers['connection']).toBe('close')
  await closed
})

test('whatever hangs is ended within the grace, and its caller counts as gone', async () => {
  await using served = await serving()
  served.door.answer = () => new Promise(() => undefined)
  using busy = served.connect()
  await busy.send(bytes('GET', '/v1/a'))
  await expect.poll(() => served.door.asked.length).toBe(1)
  const started = performance.now()
  await served.listener.close(100)
  expect(performance.now() - started).toBeLessThan(8_000)
  await busy.end()
  await expect.poll(() => served.door.asked[0]!.gone.aborted).toBe(true)
})

test('an address in use is an error', async () => {
  await using served = await serving()
  await expect(serving({ port: served.listener.port })).rejects.toThrow('EADDRINUSE')
})

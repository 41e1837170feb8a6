import { expect, test } from 'vitest'
import { path } from '../../src/contracts/index.ts'
import type { BackendType } from '../../src/contracts/index.ts'
import { smallBroker } from './small-broker.ts'

/** Looks at its target, for as long as the test says, before it keeps a password. */
function slow(answers: Promise<void>): BackendType {
  const config = path({
    pattern: 'config',
    summary: 'the target',
    write: async (_, storage) => {
      await answers
      storage.put('config', { password: 'secret' })
      return undefined
    }
  })
  return { type: 'slow', open: async () => ({ paths: [config], credentials: {}, [Symbol.asyncDispose]: async () => undefined }) }
}

test('a configuration that comes to its commit behind the end of its mount is refused, and leaves nothing', async () => {
  const { promise: answers, resolve: answer } = Promise.withResolvers<void>()
  await using broker = await smallBroker({ backends: [slow(answers)] })
  await broker.ask('write', 'sys/mounts/s', { type: 'slow' })
  const { uuid } = broker.life.parts()!.mounts.at('s/config')!.mount.record
  const written = broker.ask('write', 's/config')
  const refused = expect(written).rejects.toMatchObject({ code: 'invalid_request', message: 'the mount is gone' })
  await broker.ask('delete', 'sys/mounts/s')
  answer()
  await refused
  expect(await broker.store.keys(`mount:${uuid}`, '', '', 10)).toEqual([])
})

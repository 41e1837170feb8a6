import { expect, test } from 'vitest'
import { usersOf } from '../../plugins/memory/target.ts'
import { dataOf, lease, smallBroker, withUsers } from './small-broker.ts'
import type { SmallBroker } from './small-broker.ts'

async function disable(broker: SmallBroker): Promise<unknown> {
  const answer = broker.ask('delete', 'sys/mounts/users').catch((error: unknown) => error)
  await broker.clock.advance('PT21S')
  return answer
}

async function mounts(broker: SmallBroker): Promise<Record<string, unknown>> {
  return dataOf(await broker.ask('read', 'sys/mounts'))
}

test('a mount that could not end in time for the answer ends by itself once its leases are gone', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  await lease(broker)
  await broker.ask('write', 'users/faults', { effect: 'revoke', fault: 'fail_before' })
  expect(await disable(broker)).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('1 leases') })
  expect(await mounts(broker)).toHaveProperty('users/')
  await broker.ask('write', 'users/faults', { effect: 'revoke', fault: 'none' })
  await broker.clock.advance('PT1M15S')
  expect(usersOf(broker.target)).toEqual([])
  expect(await mounts(broker)).not.toHaveProperty('users/')
  const lines = await broker.store.auditLines(0, 10_000)
  expect(lines.filter(({ line }) => line.includes('"operation":"unmount"') && line.includes('"path":"users/"'))).toHaveLength(1)
  await withUsers(broker)
  await expect(lease(broker)).resolves.toBeTruthy()
})

test('disabling a mount twice at once never touches the one that comes after it', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  await lease(broker)
  await broker.ask('write', 'users/faults', { effect: 'revoke', fault: 'fail_before' })
  const first = broker.ask('delete', 'sys/mounts/users').catch((error: unknown) => error)
  const second = broker.ask('delete', 'sys/mounts/users').catch((error: unknown) => error)
  await broker.clock.advance('PT1S')
  await broker.ask('write', 'users/faults', { effect: 'revoke', fault: 'none' })
  for (let i = 0; i < 200 && 'users/' in (await mounts(broker)); i++) await broker.clock.advance(100)
  await withUsers(broker)
  const credential = await lease(broker)
  await broker.clock.advance('PT30S')
  await Promise.all([first, second])
  expect(await mounts(broker)).toHaveProperty('users/')
  expect(usersOf(broker.target).map(user => user.name)).toEqual([credential.username])
})

test('two who tune a mount at once undo nothing of each other', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const answers = await Promise.allSettled([
    broker.ask('write', 'sys/mounts/users/tune', { description: 'told' }),
    broker.ask('write', 'sys/mounts/users/tune', { default_lease_ttl: '7m' })
  ])
  for (const answer of answers) if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'conflict' })
  const tuned = dataOf(await broker.ask('read', 'sys/mounts/users/tune'))
  const said = [tuned.description === 'told', tuned.default_lease_ttl === 420]
  expect(said).toEqual(answers.map(({ status }) => status === 'fulfilled'))
})

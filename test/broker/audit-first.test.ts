import { expect, test } from 'vitest'
import type { AuditSink } from '../../src/contracts/index.ts'
import { usersOf } from '../../plugins/memory/target.ts'
import { openMemory } from '../../src/store/sqlite/open.ts'
import { failingStore } from './failing-store.ts'
import { lease, smallBroker, withUsers } from './small-broker.ts'

/** A sink that takes lines until it is told to fail. */
function sink(state: { failing: boolean; lines: string[] }): AuditSink {
  return {
    name: 'test',
    write: async lines => {
      if (state.failing) throw new Error('no room')
      state.lines.push(...lines)
    },
    [Symbol.asyncDispose]: async () => {}
  }
}

test('a failing audit sink stops issuing after a minute, and never a revocation', async () => {
  await using broker = await smallBroker()
  await withUsers(broker, { default_ttl: '10m' })
  const state = { failing: false, lines: [] as string[] }
  await broker.life.parts()!.sinks.add(sink(state))
  const credential = await lease(broker)
  await broker.clock.advance('PT2S')
  state.failing = true
  await expect(lease(broker)).resolves.toBeTruthy()
  await broker.clock.advance('PT2M')
  await expect(lease(broker)).rejects.toMatchObject({ code: 'audit_unreachable', message: 'internal error' })
  await expect(broker.ask('write', 'users/roles/other', {})).rejects.toMatchObject({ code: 'audit_unreachable' })
  expect((await broker.ask('write', 'sys/leases/revoke', { lease_id: credential.lease })).status).toBe(204)
  await broker.clock.advance('PT10M')
  expect(usersOf(broker.target)).toEqual([])
  state.failing = false
  await broker.clock.advance('PT5S')
  await expect(lease(broker)).resolves.toBeTruthy()
  await broker.clock.advance('PT2S')
  expect(state.lines.filter(line => line.includes('"operation":"revoke"'))).toHaveLength(2)
})

test('a secret leaves only after its audit entry, and is nowhere in the trail', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const credential = await lease(broker)
  const lines = (await broker.store.auditLines(0, 1_000)).map(({ line }) => line)
  const issued = lines.filter(line => line.includes(credential.lease) && line.includes('"type":"response"'))
  expect(issued).toHaveLength(1)
  expect(issued[0]).toContain(`"username":"${credential.username}"`)
  expect(lines.join('\n')).not.toContain(credential.password)
  expect(lines.join('\n')).not.toContain(broker.root)
})

test('a sink gets no line again while the store cannot keep how far it is', async () => {
  let full = false
  const store = failingStore(await openMemory(), ([change]) => full && change?.kind === 'cursor.move')
  await using broker = await smallBroker({ store })
  const state = { failing: false, lines: [] as string[] }
  await broker.life.parts()!.sinks.add(sink(state))
  await broker.clock.advance('PT2S')
  full = true
  await broker.ask('read', 'auth/token/lookup-self')
  await broker.clock.advance('PT10S')
  full = false
  await broker.ask('read', 'auth/token/lookup-self')
  await broker.clock.advance('PT2S')
  expect(state.lines.filter(line => line.includes('lookup-self'))).toHaveLength(4)
  expect(new Set(state.lines).size).toBe(state.lines.length)
})

test('refusals that could not be written are written later', async () => {
  let full = false
  const store = failingStore(await openMemory(), (_, audit) => full && audit.some(body => body.includes('"operation":"refuse"')))
  await using broker = await smallBroker({ store })
  full = true
  for (let i = 0; i < 3; i++) {
    await expect(broker.ask('read', 'auth/token/lookup-self', {}, 's.nobody')).rejects.toMatchObject({ code: 'permission_denied' })
    await broker.clock.advance('PT2S')
  }
  full = false
  await broker.clock.advance('PT2S')
  const lines = (await broker.store.auditLines(0, 1_000)).map(({ line }) => line)
  expect(lines.filter(line => line.includes('"refusals":{"count":3'))).toHaveLength(1)
})

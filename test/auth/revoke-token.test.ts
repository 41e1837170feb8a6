import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBroker } from '../sys/open-broker.ts'
import type { TestBroker } from '../sys/open-broker.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await openBroker()
  const policy = JSON.stringify({ path: { 'auth/token/*': { capabilities: ['update'] } } })
  await broker.ask('write', 'sys/policies/acl/maker', { policy })
})
afterAll(() => broker[Symbol.asyncDispose]())

const alive = async (token: string) => (await broker.ask('read', 'auth/token/lookup-self', {}, { token })).status === 200

/** A parent, its child and its grandchild. */
async function tree() {
  const parent = await broker.token({ policies: ['maker'] })
  const child = await broker.token({}, { token: parent })
  const grandchild = await broker.token({}, { token: child })
  return { parent, child, grandchild }
}

test('a token ends with all below it, at once', async () => {
  const { parent, child, grandchild } = await tree()
  expect((await broker.ask('write', 'auth/token/revoke', { token: parent })).status).toBe(204)
  expect(await Promise.all([parent, child, grandchild].map(alive))).toEqual([false, false, false])
})

test('by itself and by its accessor', async () => {
  const { parent, child } = await tree()
  const { data } = await broker.ask('write', 'auth/token/lookup', { token: child })
  expect((await broker.ask('write', 'auth/token/revoke-accessor', { accessor: data!['accessor']! })).status).toBe(204)
  expect(await Promise.all([parent, child].map(alive))).toEqual([true, false])
  expect((await broker.ask('write', 'auth/token/revoke-self', {}, { token: parent })).status).toBe(204)
  expect(await alive(parent)).toBe(false)
})

test('orphans of a revoked parent live on', async () => {
  const { parent, child, grandchild } = await tree()
  expect((await broker.ask('write', 'auth/token/revoke-orphan', { token: parent })).status).toBe(204)
  expect(await Promise.all([parent, child, grandchild].map(alive))).toEqual([false, true, true])
})

test('revoke-orphan wants sudo', async () => {
  const { parent, child } = await tree()
  const { status, error } = await broker.ask('write', 'auth/token/revoke-orphan', { token: child }, { token: parent })
  expect({ status, error }).toEqual({ status: 400, error: 'root or sudo privileges required to revoke and orphan' })
  expect(await alive(child)).toBe(true)
})

test('what is not there: 204 for a token, a warning for an accessor, 400 for an orphaning', async () => {
  expect((await broker.ask('write', 'auth/token/revoke', { token: 's.nothing' })).status).toBe(204)
  expect(await broker.ask('write', 'auth/token/revoke-accessor', { accessor: 'nothing' })).toMatchObject({
    status: 200,
    warnings: ['No token found with this accessor']
  })
  expect((await broker.ask('write', 'auth/token/revoke-orphan', { token: 's.nothing' })).status).toBe(400)
  expect((await broker.ask('write', 'auth/token/revoke', {})).status).toBe(400)
})

test('a revoked token is as unknown as one that never was', async () => {
  const { parent } = await tree()
  const { data } = await broker.ask('write', 'auth/token/lookup', { token: parent })
  await broker.ask('write', 'auth/token/revoke', { token: parent })
  expect(await broker.ask('write', 'auth/token/lookup', { token: parent })).toMatchObject({ status: 403, error: 'bad token' })
  expect(await broker.ask('write', 'auth/token/lookup-accessor', { accessor: data!['accessor']! })).toMatchObject({
    status: 400,
    error: '1 error occurred:\n\t* invalid accessor\n\n'
  })
  expect(await broker.ask('read', 'auth/token/lookup-self', {}, { token: parent })).toMatchObject({
    status: 403,
    error: 'permission denied'
  })
})

test('of a hundred parallel last uses one goes through', async () => {
  const token = await broker.token({ policies: ['default'], num_uses: 1 })
  const answers = await Promise.all(Array.from({ length: 100 }, () => broker.ask('read', 'auth/token/lookup-self', {}, { token })))
  const through = answers.filter(({ status }) => status === 200)
  expect(through.map(({ data }) => data!['num_uses'])).toEqual([-1])
  expect(answers.filter(({ status }) => status === 403)).toHaveLength(99)
})

test('children made while their parent is revoked are revoked with it or never made', async () => {
  const { parent } = await tree()
  const attempts = Array.from({ length: 50 }, () => broker.ask('write', 'auth/token/create', {}, { token: parent }))
  const revoked = broker.ask('write', 'auth/token/revoke', { token: parent })
  const made = (await Promise.all(attempts)).flatMap(({ auth }) => (auth ? [auth.client_token] : []))
  expect((await revoked).status).toBe(204)
  expect(await Promise.all(made.map(alive))).toEqual(made.map(() => false))
})

test('an expired token is refused like an unknown one', async () => {
  const token = await broker.token({ policies: ['default'], ttl: '1m' })
  await broker.clock.advance('PT61S')
  expect(await broker.ask('read', 'auth/token/lookup-self', {}, { token })).toMatchObject({ status: 403, error: 'permission denied' })
  expect((await broker.ask('write', 'auth/token/renew', { token })).status).toBe(400)
})

test('accessors of what lives, page by page, for who has sudo', async () => {
  const all = (await broker.ask('list', 'auth/token/accessors')).data!['keys'] as string[]
  const first = (await broker.ask('list', 'auth/token/accessors', { limit: 2 })).data!['keys'] as string[]
  const then = (await broker.ask('list', 'auth/token/accessors', { limit: '2', after: first[1]! })).data!['keys'] as string[]
  expect([...first, ...then]).toEqual(all.slice(0, 4))
  expect((await broker.ask('list', 'auth/token/accessors', { limit: 0 })).status).toBe(400)
  expect((await broker.ask('list', 'auth/token/accessors', { limit: -1 })).data!['keys']).toEqual(all)
  await broker.ask('write', 'sys/policies/acl/lister', {
    policy: JSON.stringify({ path: { 'auth/token/accessors': { capabilities: ['list'] } } })
  })
  const token = await broker.token({ policies: ['lister'] })
  expect((await broker.ask('list', 'auth/token/accessors', {}, { token })).status).toBe(403)
})

test('tidy starts and says so', async () => {
  expect(await broker.ask('write', 'auth/token/tidy')).toMatchObject({
    status: 202,
    warnings: [expect.stringContaining('Tidy operation successfully started')]
  })
})

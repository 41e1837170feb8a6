/** What an application that holds a lease lives through, against a real broker: minutes pass by the clock of the test. */
import { inspect } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { CredentialEnded, token } from '../../src/client/index.ts'
import type { LeaseOptions, Trouble } from '../../src/client/index.ts'
import { clientWorld } from './client-world.ts'
import type { ClientWorld } from './client-world.ts'

interface User {
  readonly username: string
  readonly password: string
}

let world: ClientWorld

afterEach(() => world[Symbol.asyncDispose]())

async function held(options: LeaseOptions<User> = {}, client = world.client()) {
  const troubles: Trouble[] = []
  const lease = await client.lease<User>('users/creds/app', { onTrouble: trouble => troubles.push(trouble), ...options })
  return { lease, troubles, user: () => lease.current().reveal().username }
}

const count = (path: string) => world.asked.filter(one => one.endsWith(path)).length

test('a credential is renewed for as long as that helps, and gone when it is released', async () => {
  world = await clientWorld()
  const { lease, user, troubles } = await held()
  const first = user()
  await world.wind(100)
  expect(user()).toBe(first)
  expect(count('sys/leases/renew')).toBe(2)
  expect(lease.current().endsAt.getTime()).toBeGreaterThan(world.clock.now().epochMilliseconds)
  await lease.release()
  expect(world.users()).toEqual([])
  await world.wind(100)
  expect(count('sys/leases/renew')).toBe(2)
  expect(troubles).toEqual([])
})

test('before no renewal helps another takes over, and the one before is revoked when it was handed over', async () => {
  world = await clientWorld()
  const handed: { readonly next: string; readonly before: string; readonly alive: readonly string[] }[] = []
  const gate = Promise.withResolvers<void>()
  const { user, troubles } = await held({
    async onCredential(next, before) {
      handed.push({ next: next.reveal().username, before: before.reveal().username, alive: world.users() })
      await gate.promise
    }
  })
  const first = user()
  await world.wind(170)
  expect(handed).toEqual([{ next: user(), before: first, alive: expect.arrayContaining([first, user()]) as string[] }])
  expect(world.users()).toContain(first)
  gate.resolve()
  await world.wind(1)
  expect(world.users()).toEqual([user()])
  expect(troubles).toEqual([])
})

test('a hand-over that takes too long ends with the old credential; one that fails leaves the old one its time', async () => {
  world = await clientWorld()
  const slow = await held({ onCredential: () => new Promise<void>(() => {}) })
  const first = slow.user()
  await world.wind(185)
  expect(world.users()).toEqual([slow.user()])
  expect(slow.user()).not.toBe(first)
  await slow.lease.release()
  const failing = await held({ onCredential: () => Promise.reject(new Error('no')) })
  const second = failing.user()
  await world.wind(170)
  expect(world.users().toSorted()).toEqual([second, failing.user()].toSorted())
  expect(failing.troubles).toMatchObject([{ what: 'hand over', error: { message: 'no' } }])
})

test('whoever asks for them gets the credential and each one after it', async () => {
  world = await clientWorld()
  const { lease } = await held({ overlapMs: 5_000 })
  const seen: string[] = []
  const reading = (async () => {
    for await (const credential of lease) seen.push(credential.reveal().username)
  })()
  await world.wind(335)
  expect(seen).toHaveLength(3)
  expect(world.users()).toEqual([seen[2]])
  await lease.release()
  await reading
  expect(world.users()).toEqual([])
})

test('a lease that somebody revoked is replaced at the next renewal', async () => {
  world = await clientWorld()
  const { lease, user, troubles } = await held({ onCredential: () => undefined })
  const first = user()
  await world.api.must('PUT', 'sys/leases/revoke', { lease_id: lease.current().leaseId })
  await world.wind(45)
  expect(user()).not.toBe(first)
  expect(world.users()).toEqual([user()])
  expect(troubles.map(({ what }) => what)).toEqual(['renew'])
})

test('a broker that is away for a while is not noticed; one that stays away ends the credential, and nobody is told a dead one', async () => {
  world = await clientWorld()
  const { user, lease, troubles } = await held()
  const first = user()
  world.away = true
  await world.wind(50)
  expect(user()).toBe(first)
  world.away = false
  await world.wind(20)
  expect(user()).toBe(first)
  expect(troubles.length).toBeGreaterThan(0)
  world.away = true
  await world.wind(65)
  expect(() => lease.current()).toThrow(CredentialEnded)
  world.away = false
  await world.wind(20)
  expect(world.users()).toEqual([user()])
})

test('a broker that is sealed is waited for', async () => {
  world = await clientWorld()
  const { user } = await held()
  const first = user()
  await world.seal()
  await world.wind(45)
  expect(user()).toBe(first)
  await world.unseal()
  await world.wind(20)
  expect(user()).toBe(first)
  expect(world.users()).toEqual([first])
})

test('a token that reaches its end is followed by a new login, and its leases by new ones, before they end', async () => {
  world = await clientWorld({ default_ttl: '60s', max_ttl: '10h' })
  const client = world.client({ login: world.login('150s') })
  const { user, troubles } = await held({ overlapMs: 1_000 }, client)
  const seen = new Set<string>()
  for (let minute = 0; minute < 10; minute++) {
    await world.wind(30)
    expect(world.users()).toContain(user())
    seen.add(user())
  }
  expect(seen.size).toBe(4)
  expect(troubles).toEqual([])
  await client.close()
  expect(world.users()).toEqual([])
  expect(world.asked.at(-1)).toBe('PUT auth/token/revoke-self')
})

test('a token that was revoked from above is replaced with its lease', async () => {
  world = await clientWorld()
  const tokens: string[] = []
  const login = world.login('1h')
  const client = world.client({
    login: { logIn: async (...all) => login.logIn(...all).then(given => (tokens.push(given.token), given)) }
  })
  const { user } = await held({}, client)
  const first = user()
  await world.wind(10)
  await world.api.must('POST', 'auth/token/revoke', { token: tokens[0] })
  await world.wind(45)
  expect(tokens).toHaveLength(2)
  expect(user()).not.toBe(first)
  expect(world.users()).toEqual([user()])
})

test('a token that somebody keeps fresh in a file is read again before it ends', async () => {
  world = await clientWorld({ default_ttl: '60s', max_ttl: '10h' })
  const fresh = world.login('120s')
  let file = ''
  const refresh = async () => void (file = (await fresh.logIn(undefined as never, undefined as never)).token)
  await refresh()
  const client = world.client({ login: token(() => file) })
  const { user } = await held({ overlapMs: 1_000 }, client)
  for (let half = 0; half < 8; half++) {
    await refresh()
    await world.wind(30)
    expect(world.users()).toContain(user())
  }
})

test('a token that ends and cannot be had again brings no herd of shorter and shorter leases', async () => {
  world = await clientWorld()
  const { auth } = await world.api.must('POST', 'auth/token/create', { policies: ['app'], ttl: '200s', explicit_max_ttl: '200s' })
  const client = world.client({
    login: { logIn: async () => ({ token: auth.client_token, seconds: undefined, renewable: true, own: false }) }
  })
  const { lease } = await held({ overlapMs: 1_000 }, client)
  await world.wind(260)
  expect(() => lease.current()).toThrow(CredentialEnded)
  expect(count('users/creds/app')).toBeLessThan(20)
  expect(world.users()).toEqual([])
})

test('a credential that is not replaced says when its last end is, and keeps it', async () => {
  world = await clientWorld()
  const ends: Date[] = []
  const { user, lease } = await held({ replace: false, onLastEnd: end => ends.push(end) })
  const first = user()
  await world.wind(170)
  expect(user()).toBe(first)
  expect(ends).toHaveLength(1)
  expect(count('users/creds/app')).toBe(1)
  await world.wind(20)
  expect(() => lease.current()).toThrow(CredentialEnded)
  expect(world.users()).toEqual([])
})

test('a credential that is not replaced lives as long as the token that asked for it, also beside a new one', async () => {
  world = await clientWorld({ default_ttl: '60s', max_ttl: '10h' })
  const ends: Date[] = []
  const client = world.client({ login: world.login('150s') })
  const { user } = await held({ replace: false, onLastEnd: end => ends.push(end) }, client)
  const first = user()
  await world.wind(140)
  expect([user(), ...world.users()]).toEqual([first, first])
  expect(ends).toHaveLength(1)
  await world.wind(20)
  expect(world.users()).toEqual([])
})

test('renewed in short steps, a credential dies soon after its holder', async () => {
  world = await clientWorld({ default_ttl: '1h', max_ttl: '2h' })
  const { user } = await held({ seconds: 30 })
  const first = user()
  await world.wind(100)
  expect(user()).toBe(first)
  world.away = true
  await world.wind(45)
  expect(world.users()).toEqual([])
})

test('nothing that prints shows a secret', async () => {
  world = await clientWorld()
  const { lease } = await held()
  const { password } = lease.current().reveal()
  const printed = [lease, lease.current(), await world.client().read('users/creds/app')].flatMap(one => [
    inspect(one, { depth: 9, showHidden: true }),
    JSON.stringify(one)
  ])
  expect(printed.join()).not.toContain(password)
})

test('a credential that is on its way when the client is closed is not held by anybody', async () => {
  world = await clientWorld()
  const client = world.client()
  const { promise, resolve } = Promise.withResolvers<void>()
  world.held = promise
  const leasing = client.lease('users/creds/app')
  leasing.catch(() => undefined)
  await expect.poll(() => world.users()).toHaveLength(1)
  const closing = client.close()
  resolve()
  await closing
  await expect(leasing).rejects.toThrow('closed')
  expect(world.users()).toEqual([])
  world.asked.length = 0
  await world.wind(120)
  expect(world.asked).toEqual([])
  await expect(client.lease('users/creds/app')).rejects.toThrow('closed')
  expect(world.users()).toEqual([])
})

import { expect, test } from 'vitest'
import { login, usersOf } from '../../plugins/memory/target.ts'
import { dataOf, lease, smallBroker, withUsers } from './small-broker.ts'

test('a credential works until its time is over, and not after', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const credential = await lease(broker)
  expect(login(broker.target, credential.username, credential.password, broker.clock.now())).toBeTruthy()
  await broker.clock.advance('PT59M')
  expect(login(broker.target, credential.username, credential.password, broker.clock.now())).toBeTruthy()
  await broker.clock.advance('PT1M10S')
  expect(login(broker.target, credential.username, credential.password, broker.clock.now())).toBeFalsy()
  expect(usersOf(broker.target)).toEqual([])
})

test('a synchronous revocation answers when the target has confirmed', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const credential = await lease(broker)
  const reply = await broker.ask('write', 'sys/leases/revoke', { lease_id: credential.lease })
  expect(reply.status).toBe(204)
  expect(usersOf(broker.target)).toEqual([])
})

test('a renewal moves the expiry from now, and never past the maximum', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const credential = await lease(broker)
  await broker.clock.advance('PT30M')
  const renewed = await broker.ask('write', 'sys/leases/renew', { lease_id: credential.lease, increment: 600 })
  expect(renewed.lease).toMatchObject({ id: credential.lease, seconds: 600, renewable: true })
  await broker.clock.advance('PT9M')
  for (let i = 0; i < 3; i++) {
    await broker.ask('write', 'sys/leases/renew', { lease_id: credential.lease })
    await broker.clock.advance('PT50M')
  }
  const last = await broker.ask('write', 'sys/leases/renew', { lease_id: credential.lease, increment: '2h' })
  expect(last.warnings?.[0]).toMatch(/^TTL of "2h" exceeded the effective max_ttl of "5\dm\d*s?"; TTL value is capped accordingly$/)
  await broker.clock.advance('PT1H')
  await expect(broker.ask('write', 'sys/leases/renew', { lease_id: credential.lease })).rejects.toMatchObject({ code: 'invalid_lease' })
  expect(usersOf(broker.target)).toEqual([])
})

test('a token that ends takes its leases along', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const created = await broker.ask('write', 'auth/token/create', { ttl: '10m', policies: ['root'] })
  const child = created.auth!.reveal().client_token
  const credential = await lease(broker, child)
  await broker.ask('write', 'auth/token/revoke', { token: child })
  await broker.clock.advance('PT2S')
  expect(usersOf(broker.target)).toEqual([])
  const looked = await broker.ask('write', 'sys/leases/lookup', { lease_id: credential.lease }).catch((error: unknown) => error)
  expect(looked).toMatchObject({ code: 'invalid_lease' })
})

test('who holds what is told for live leases and for ended ones', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const credential = await lease(broker)
  const holdings = dataOf(await broker.ask('read', 'sys/holdings'))
  expect(JSON.stringify(holdings)).toContain(credential.username)
  expect(JSON.stringify(holdings)).not.toContain(credential.password)
})

test('of two renewals at once one counts, and the target has its end', async () => {
  const inside: (() => Promise<void>)[] = []
  await using broker = await smallBroker({ at: point => (point === 'renew:before-target-extend' ? inside.pop()?.() : undefined) })
  await withUsers(broker)
  const credential = await lease(broker)
  const renew = (increment: number) => broker.ask('write', 'sys/leases/renew', { lease_id: credential.lease, increment })
  inside.push(async () => void (await renew(7_200)))
  await expect(renew(600)).rejects.toMatchObject({ code: 'invalid_lease', message: 'another renewal of this lease was faster' })
  await broker.clock.advance('PT1H59M')
  expect(login(broker.target, credential.username, credential.password, broker.clock.now())).toBeTruthy()
})

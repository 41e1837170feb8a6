import { expect, test } from 'vitest'
import { isSessionOpen, login, usersOf } from '../../plugins/memory/target.ts'
import { audited, canLogIn, dropUser, found, namesIn, orphan, pass, reconcile, stranger, tune } from './reconcile-stand.ts'
import { dataOf, lease, smallBroker, withUsers } from './small-broker.ts'
import type { Credential } from './small-broker.ts'

test('by default what has no lease is told and nothing is done to it', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const known = await lease(broker)
  orphan(broker, 'm-app-lost', 48)
  expect(await found(broker)).toMatchObject({
    policy: 'report',
    listed: 2,
    orphans: [{ name: 'm-app-lost', enabled: true, state: 'reported' }],
    orphanCount: 1,
    missingCount: 0
  })
  await pass(broker, 'PT30M')
  expect(namesIn(broker)).toEqual([known.username, 'm-app-lost'].toSorted())
  expect(await audited(broker, '"operation":"reconcile"')).toMatchObject([{ reconcile: { orphans: [{ name: 'm-app-lost' }] } }])
})

test('removal takes two looks, a quarantine apart, and then the sweeper, sessions included', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  await tune(broker, { reconcile: 'remove', reconcile_after: '5m' })
  orphan(broker, 'm-app-lost', 48)
  const session = login(broker.target, 'm-app-lost', 'of somebody', broker.clock.now())!
  expect(await found(broker)).toMatchObject({ orphans: [{ name: 'm-app-lost', state: 'waits' }], adoptedCount: 0 })
  await pass(broker, 'PT4M')
  expect(await found(broker)).toMatchObject({ orphanCount: 1, adoptedCount: 0 })
  expect(isSessionOpen(broker.target, session)).toBe(true)
  await pass(broker, 'PT2M')
  expect(namesIn(broker)).toEqual([])
  expect(isSessionOpen(broker.target, session)).toBe(false)
  expect(await audited(broker, '"action":"remove"')).toMatchObject([{ reconcile: { mount: 'users/', name: 'm-app-lost' } }])
  expect(await audited(broker, '"cause":"reconciled"')).toMatchObject([
    { operation: 'revoke', revocation: { outcome: 'gone' }, credential: { name: 'm-app-lost' } }
  ])
  expect(await found(broker)).toMatchObject({ orphanCount: 0, listed: 0 })
})

test('the loop looks a second time by itself, soon after the quarantine and not an hour later', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  await tune(broker, { reconcile: 'remove', reconcile_after: '2m' })
  orphan(broker, 'm-app-lost', 48)
  await pass(broker, 'PT61M')
  expect(namesIn(broker)).toEqual(['m-app-lost'])
  await pass(broker, 'PT3M')
  expect(namesIn(broker)).toEqual([])
})

test('what is adopted has a lease until the target itself would end it', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  await tune(broker, { reconcile: 'adopt', reconcile_after: '1m' })
  orphan(broker, 'm-app-lost', 1)
  await found(broker)
  await pass(broker, 'PT2M')
  const [held] = dataOf(await broker.ask('read', 'sys/holdings')).holdings
  expect(held).toMatchObject({
    id: expect.stringMatching(/^users\/adopted\/\w{24}$/),
    state: 'active',
    renewable: false,
    display_name: 'reconcile',
    expire_time: '2026-11-25T13:00:00Z'
  })
  expect(canLogIn(broker, 'm-app-lost')).toBe(true)
  expect(await found(broker)).toMatchObject({ orphanCount: 0, listed: 1 })
  await pass(broker, 'PT59M')
  expect(usersOf(broker.target)).toEqual([])
})

test('an adopted lease lives no longer than any of its mount, and is revoked like any', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  await tune(broker, { reconcile: 'adopt', reconcile_after: '1m', max_lease_ttl: '2h' })
  orphan(broker, 'm-app-lost', 10_000)
  await found(broker)
  await pass(broker, 'PT2M')
  const [held] = dataOf(await broker.ask('read', 'sys/holdings')).holdings
  expect(held.ttl).toBeLessThanOrEqual(7_200)
  await expect(broker.ask('write', 'sys/leases/renew', { lease_id: held.id })).rejects.toMatchObject({ message: 'lease is not renewable' })
  await broker.ask('write', 'sys/leases/revoke-prefix/users', { sync: false })
  await pass(broker, 'PT20S')
  expect(namesIn(broker)).toEqual([])
})

test('two mounts that reach one target give one lease, and neither tells of what has it', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  await broker.ask('write', 'sys/mounts/twin', { type: 'memory', config: { reconcile: 'adopt', reconcile_after: '70s' } })
  await broker.ask('write', 'twin/config', { path: broker.target })
  await tune(broker, { reconcile: 'adopt', reconcile_after: '70s' })
  orphan(broker, 'm-app-lost', 2)
  expect((await reconcile(broker)).targets).toMatchObject([{ orphanCount: 1 }, { orphanCount: 1 }])
  await broker.clock.advance('PT75S')
  const { targets } = await reconcile(broker)
  expect(targets.map(({ adoptedCount }) => adoptedCount).toSorted((a, b) => a - b)).toEqual([0, 1])
  expect((await reconcile(broker)).targets).toMatchObject([{ orphanCount: 0 }, { orphanCount: 0 }])
  expect(dataOf(await broker.ask('read', 'sys/holdings')).holdings).toHaveLength(1)
})

test('a lease that ended at one mount is opened again by that mount and by no other', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  await broker.ask('write', 'sys/mounts/twin', { type: 'memory', config: { reconcile: 'remove', reconcile_after: '70s' } })
  await broker.ask('write', 'twin/config', { path: broker.target })
  const credential = await lease(broker)
  await broker.store.commit([{ kind: 'lease.force', now: broker.clock.now(), prefix: credential.lease, by: 'a test', limit: 1 }], [])
  await reconcile(broker)
  await pass(broker, 'PT5M')
  expect((await reconcile(broker, 'twin')).targets).toMatchObject([{ orphanCount: 1, adoptedCount: 0 }])
  expect(namesIn(broker)).toEqual([credential.username])
})

test('what is not ours is never touched: no mark, a mark of another, a mark that was copied', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  await tune(broker, { reconcile: 'remove', reconcile_after: '1m' })
  const { username } = await lease(broker)
  stranger(broker, 'm-app-bare', '', 48)
  stranger(broker, 'm-app-theirs', 'the mark of another broker', 48)
  stranger(broker, 'm-app-copied', usersOf(broker.target).find(({ name }) => name === username)!.mark, 48)
  stranger(broker, 'somebody', '', 48)
  for (let look = 0; look < 3; look++) {
    expect(await found(broker)).toMatchObject({
      orphanCount: 0,
      adoptedCount: 0,
      unmarked: [{ name: 'm-app-bare', enabled: true }],
      foreignCount: 2
    })
    await pass(broker, 'PT2M')
  }
  for (const name of ['m-app-bare', 'm-app-theirs', 'm-app-copied', 'somebody']) expect(canLogIn(broker, name), name).toBe(true)
})

test('a lease that was ended by force is opened again, and this time its user goes', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const credential = await lease(broker)
  await broker.ask('write', 'users/faults', { effect: 'revoke', fault: 'fail_before' })
  await broker.ask('write', `sys/leases/revoke-force/${credential.lease}`)
  await broker.ask('write', 'users/faults', { effect: 'revoke', fault: 'none' })
  await tune(broker, { reconcile: 'adopt', reconcile_after: '1m' })
  expect(await found(broker)).toMatchObject({ orphans: [{ name: credential.username }] })
  await pass(broker, 'PT2M')
  expect(namesIn(broker)).toEqual([])
  const [held] = dataOf(await broker.ask('read', 'sys/holdings', { id: credential.lease })).holdings
  expect(held).toMatchObject({ state: 'revoked', cause: 'reconciled', display_name: 'root' })
})

test('what a mount left behind by force is the next one’s to end', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const credential = await lease(broker)
  await broker.ask('write', `sys/leases/revoke-force/${credential.lease}`)
  await broker.ask('delete', 'sys/mounts/users')
  await pass(broker, 'PT1M')
  await withUsers(broker)
  await tune(broker, { reconcile: 'remove', reconcile_after: '1m' })
  expect(await found(broker)).toMatchObject({ orphans: [{ name: credential.username, state: 'waits' }] })
  await pass(broker, 'PT3M')
  expect(namesIn(broker)).toEqual([])
  expect(await found(broker)).toMatchObject({ orphanCount: 0, listed: 0 })
})

test('a lease whose object has gone is told and audited, and not taken for ended', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const [kept, lost] = [await lease(broker), await lease(broker)]
  dropUser(broker, lost.username)
  expect(await found(broker)).toMatchObject({ missing: [{ name: lost.username, lease: lost.lease }], missingCount: 1, orphanCount: 0 })
  expect(await audited(broker, '"missingCount":1')).toHaveLength(1)
  const looked = await broker.ask('write', 'sys/leases/lookup', { lease_id: lost.lease })
  expect(dataOf(looked)).toMatchObject({ state: 'active' })
  await broker.ask('write', 'sys/leases/revoke', { lease_id: lost.lease })
  expect(await found(broker)).toMatchObject({ missingCount: 0, listed: 1 })
  expect(namesIn(broker)).toEqual([kept.username])
})

test('however much is issued and ended meanwhile, nothing of it is taken for left behind', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  await tune(broker, { reconcile: 'remove', reconcile_after: '1m' })
  const live: Credential[] = []
  for (let round = 0; round < 4; round++) {
    const ending = live.splice(0, 5)
    const looks = Array.from({ length: 3 }, async () => {
      expect(await found(broker)).toMatchObject({ orphanCount: 0, missingCount: 0, adoptedCount: 0 })
    })
    const revoked = ending.map(({ lease }) => broker.ask('write', 'sys/leases/revoke', { lease_id: lease }))
    live.push(...(await Promise.all(Array.from({ length: 15 }, () => lease(broker)))))
    await Promise.all([...looks, ...revoked])
    await broker.clock.advance('PT31S')
  }
  expect(namesIn(broker).toSorted()).toEqual(live.map(({ username }) => username).toSorted())
  expect(await audited(broker, '"operation":"reconcile"')).toEqual([])
})

test('one mount can be compared alone, by who may, and the last report is kept', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  await withUsers(broker, {}, 'others')
  await lease(broker)
  await lease(broker, undefined, 'others')
  const whole = await reconcile(broker)
  expect(whole.targets.map(({ mount }) => mount).toSorted()).toEqual(['others/', 'users/'])
  expect(dataOf(await broker.ask('read', 'sys/reconcile'))).toEqual(whole)
  await broker.clock.advance('PT1S')
  const one = await reconcile(broker, 'users/')
  expect(one.targets).toMatchObject([{ mount: 'users/', listed: 1 }])
  expect(dataOf(await broker.ask('read', 'sys/reconcile/users'))).toEqual(one)
  expect(dataOf(await broker.ask('read', 'sys/reconcile')).targets).toHaveLength(2)
  await expect(reconcile(broker, 'nothing')).rejects.toMatchObject({ message: 'No secrets engine mounted at nothing/' })
  await expect(reconcile(broker, 'auth/token')).rejects.toMatchObject({ code: 'invalid_request' })
  await broker.ask('write', 'sys/policies/acl/one', { policy: 'path "sys/reconcile/users" { capabilities = ["read", "update"] }' })
  const token = (await broker.ask('write', 'auth/token/create', { policies: ['one'] })).auth!.reveal().client_token
  expect((await broker.ask('write', 'sys/reconcile/users', {}, token)).status).toBe(200)
  await expect(broker.ask('write', 'sys/reconcile', {}, token)).rejects.toMatchObject({ code: 'permission_denied' })
})

test('a target where nothing was ever issued is looked at too: a store that was put back knows no better', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  orphan(broker, 'm-app-lost')
  expect(await found(broker)).toMatchObject({ orphans: [{ name: 'm-app-lost' }] })
  await tune(broker, { reconcile: 'remove', reconcile_after: '1m' })
  await pass(broker, 'PT2M')
  await found(broker)
  await pass(broker, 'PT1M')
  expect(namesIn(broker)).toEqual([])
})

test('settings are refused by name when they are wrong, and told with their defaults', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const told = async () => dataOf(await broker.ask('read', 'sys/mounts/users/tune'))
  expect(await told()).toMatchObject({ reconcile: 'report', reconcile_after: 300 })
  for (const [settings, message] of [
    [{ reconcile: 'drop' }, 'reconcile: expected "report", "adopt" or "remove"'],
    [{ reconcile_after: '59s' }, 'reconcile_after: expected at least 1m and at most 720h, or 0 for the default'],
    [{ reconcile_after: '31d' }, 'reconcile_after: expected at least 1m and at most 720h, or 0 for the default']
  ] as const)
    await expect(tune(broker, settings)).rejects.toMatchObject({ code: 'invalid_request', message })
  await tune(broker, { reconcile: 'adopt', reconcile_after: '1h' })
  expect(await told()).toMatchObject({ reconcile: 'adopt', reconcile_after: 3_600 })
  await tune(broker, { reconcile_after: 0, reconcile: '' })
  expect(await told()).toMatchObject({ reconcile: 'adopt', reconcile_after: 300 })
  await expect(broker.ask('write', 'sys/auth/token/tune', { reconcile: 'remove' })).rejects.toMatchObject({
    message: 'reconcile: only a secrets engine has targets'
  })
})

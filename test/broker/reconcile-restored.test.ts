/** A store that is older than its targets: what was renewed since is not ended early. */
import { expect, test } from 'vitest'
import { login, prolongUser } from '../../plugins/memory/target.ts'
import type { SmallBroker } from './small-broker.ts'
import { audited, namesIn, orphan, pass, tune } from './reconcile-stand.ts'
import { dataOf, lease, smallBroker, withUsers } from './small-broker.ts'

const restored = (broker: SmallBroker) => broker.life.parts()!.reconciler.run({ restored: true })
const expiryOf = async (broker: SmallBroker, id: string) =>
  dataOf(await broker.ask('write', 'sys/leases/lookup', { lease_id: id })).expire_time as string

test('a lease that its target ends later than its row says counts as renewed', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const [renewed, same] = [await lease(broker), await lease(broker)]
  const before = await expiryOf(broker, same.lease)
  prolongUser(broker.target, renewed.username, broker.clock.now().add({ hours: 2 }))
  await broker.life.parts()!.reconciler.run()
  expect(await expiryOf(broker, renewed.lease)).toBe(before)
  expect((await restored(broker)).targets).toMatchObject([{ prolongedCount: 1, orphanCount: 0 }])
  expect(await expiryOf(broker, renewed.lease)).toBe('2026-11-25T14:00:00Z')
  expect(await expiryOf(broker, same.lease)).toBe(before)
  expect(await audited(broker, '"action":"prolong"')).toMatchObject([
    { reconcile: { lease_id: renewed.lease, ends: '2026-11-25T14:00:00Z' } }
  ])
  await pass(broker, 'PT1H30M')
  expect(namesIn(broker)).toEqual([renewed.username])
  expect(login(broker.target, renewed.username, renewed.password, broker.clock.now())).toBeDefined()
  await pass(broker, 'PT31M')
  expect(namesIn(broker)).toEqual([])
})

test('not beyond its maximum, and not when somebody has asked for its end', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  const [long, ending] = [await lease(broker), await lease(broker)]
  for (const { username } of [long, ending]) prolongUser(broker.target, username, broker.clock.now().add({ hours: 10 }))
  await broker.ask('write', 'users/faults', { effect: 'revoke', fault: 'hang' })
  await broker.ask('write', `sys/leases/revoke`, { lease_id: ending.lease, sync: false }).catch(() => undefined)
  await broker.clock.advance('PT2S')
  expect((await restored(broker)).targets).toMatchObject([{ prolongedCount: 1 }])
  expect(await expiryOf(broker, long.lease)).toBe('2026-11-25T16:00:00Z')
})

test('what was made since waits for its whole quarantine, however often it is looked at before', async () => {
  await using broker = await smallBroker()
  await withUsers(broker)
  await tune(broker, { reconcile: 'remove', reconcile_after: '70s' })
  orphan(broker, 'm-app-since', 48)
  for (let resume = 0; resume < 3; resume++) {
    expect((await restored(broker)).targets).toMatchObject([{ orphans: [{ name: 'm-app-since', state: 'waits' }], adoptedCount: 0 }])
    await broker.clock.advance('PT60S')
  }
  expect(namesIn(broker)).toEqual(['m-app-since'])
  await pass(broker, 'PT3M')
  expect(namesIn(broker)).toEqual([])
})

/** The reconciler on a real PostgreSQL that others use as well: what is ours and has no lease goes, sessions included; nobody else is touched. */
import { expect, test } from 'vitest'
import { database } from '../../../plugins/database/index.ts'
import { newMark } from '../../../plugins/database/creds/mark.ts'
import { postgresql } from '../../../plugins/postgresql/index.ts'
import type { JsonObject } from '../../../src/contracts/index.ts'
import type { TargetReport } from '../../../src/broker/reconcile/reconcile-report.ts'
import { dataOf, smallBroker } from '../../broker/small-broker.ts'
import type { SmallBroker } from '../../broker/small-broker.ts'
import { TestClock } from '../../sim/test-clock.ts'
import { canLogIn, login, newUser, openDriver, password, postgres, roleNamed, sessionsOf, soon } from './kit.ts'

const fields = (): JsonObject => ({
  host: postgres.host,
  port: postgres.port,
  database: 'app',
  username: postgres.admin.user,
  password: postgres.admin.password,
  sslmode: 'disable'
})

/** A broker whose clock is where the server's is, with a connection and a role. */
async function withDatabase(reconcile: string): Promise<SmallBroker> {
  const clock = new TestClock(Temporal.Now.instant().toString())
  const broker = await smallBroker({ clock, backends: [database], databaseDrivers: [postgresql] })
  await broker.ask('write', 'sys/mounts/database', { type: 'database', config: { reconcile, reconcile_after: '70s' } })
  await broker.ask('write', 'database/config/app', { ...fields(), plugin_name: 'postgresql-database-plugin', allowed_roles: '*' })
  await broker.ask('write', 'database/roles/app', { db_name: 'app', member_of: ['app_ro'], default_ttl: '1h', max_ttl: '4h' })
  return broker
}

/** A user of this very broker that its store knows nothing of. */
async function lost(broker: SmallBroker, hours = 1): Promise<string> {
  const { instance, barrier } = broker.life.parts()!
  const { account } = postgresql.connection(fields(), { tls: 'any' })
  const marker = { instance, mac: (data: string) => barrier.mac(`mark ${instance}`, data) }
  const user = newUser({ until: broker.clock.now().add({ hours }) })
  const driver = openDriver()
  await driver.createUser({ ...user, mark: newMark(marker, account, user.name, `x/${user.name.slice(-24)}`) }, soon())
  return user.name
}

async function look(broker: SmallBroker): Promise<TargetReport> {
  return dataOf(await broker.ask('write', 'sys/reconcile/database')).targets[0] as TargetReport
}

/** Two looks, the quarantine apart. */
async function looks(broker: SmallBroker): Promise<TargetReport> {
  await look(broker)
  await broker.clock.advance('PT75S')
  return look(broker)
}

/** A revocation waits on the broker's clock between its looks, and on the server in its own time. */
async function gone(broker: SmallBroker, name: string): Promise<void> {
  const there = async () => {
    await broker.clock.advance(200)
    return roleNamed(name)
  }
  await expect.poll(there, { timeout: 15_000, interval: 20 }).toBeUndefined()
}

test('removes what is ours and has no lease, with its sessions, and touches nobody else', async () => {
  await using broker = await withDatabase('remove')
  const known = dataOf(await broker.ask('read', 'database/creds/app')) as { username: string; password: string }
  const [ours, bare, copied] = [await lost(broker), `v-bare-${known.username.slice(-12)}`, `v-copied-${known.username.slice(-12)}`]
  const oid = Number((await roleNamed(ours))!['oid'])
  const theirs = newUser()
  await openDriver().createUser(theirs, soon())
  await postgres.query(`create role "${bare}" login password '${password}'; create role "${copied}" login password '${password}'`)
  await postgres.query(`comment on role "${copied}" is '${String((await roleNamed(ours))!['mark'])}'`)
  const session = await login(ours)
  try {
    const first = await look(broker)
    expect(first.orphans).toMatchObject([{ name: ours, enabled: true, state: 'waits', until: expect.any(String) }])
    expect(first.unmarked).toEqual(
      expect.arrayContaining([
        { name: bare, enabled: true },
        { name: copied, enabled: true, note: 'its mark is not for this user at this server' }
      ])
    )
    expect(first.foreignCount).toBeGreaterThan(0)
    expect(first).toMatchObject({ listed: 2, missingCount: 0 })
    await broker.clock.advance('PT75S')
    expect(await look(broker)).toMatchObject({ orphanCount: 0, adopted: [{ name: ours }] })
    await gone(broker, ours)
    await session.ended
    expect(await sessionsOf(oid)).toBe(0)
    await looks(broker)
    expect(await canLogIn(known.username, known.password)).toBe(true)
    for (const name of [theirs.name, bare, copied]) expect(await canLogIn(name), name).toBe(true)
  } finally {
    await postgres.query(`drop role if exists "${bare}", "${copied}"`)
    await openDriver().revokeUsers({ statements: [], users: [{ name: theirs.name, mark: theirs.mark, handle: {} }] }, soon())
    await broker.ask('write', 'sys/leases/revoke-prefix/database', { sync: false })
    await gone(broker, known.username)
  }
})

test('adopts until the end that the server has, and that lease ends the user like any other', async () => {
  await using broker = await withDatabase('adopt')
  const name = await lost(broker, 2)
  const until = broker.clock.now().add({ hours: 2 })
  const [adopted] = (await looks(broker)).adopted
  // By then the server's clock is behind the broker's, so it ends the user later.
  const later = Temporal.Instant.from(adopted!.ends).since(until).total('seconds')
  expect(later).toBeGreaterThan(70)
  expect(later).toBeLessThan(80)
  expect(adopted!.lease).toBe(`database/adopted/${name.slice(-24)}`)
  expect(await canLogIn(name)).toBe(true)
  await broker.ask('write', 'sys/leases/revoke', { lease_id: adopted!.lease, sync: false })
  await gone(broker, name)
})

test('a user whose lease was ended by force is found, and ended by the recipe it was made by', async () => {
  await using broker = await withDatabase('remove')
  const { lease, data } = await broker.ask('read', 'database/creds/app')
  const { username } = dataOf({ data } as never) as { username: string }
  const oid = Number((await roleNamed(username))!['oid'])
  await broker.store.commit([{ kind: 'lease.force', now: broker.clock.now(), prefix: lease!.id, by: 'a test', limit: 1 }], [])
  expect(Number((await roleNamed(username))!['oid'])).toBe(oid)
  expect((await looks(broker)).adopted).toMatchObject([{ name: username, lease: lease!.id }])
  await gone(broker, username)
  expect(await broker.store.lease(lease!.id as never)).toMatchObject({ cause: 'reconciled' })
})

test('after a restore a lease has the end that the server knows, and a user that was dropped is missed', async () => {
  await using broker = await withDatabase('report')
  const [renewed, dropped] = [await broker.ask('read', 'database/creds/app'), await broker.ask('read', 'database/creds/app')]
  const nameOf = (reply: typeof renewed): string => dataOf(reply).username
  const until = broker.clock.now().add({ hours: 3 })
  await openDriver().renewUser({ name: nameOf(renewed), handle: {}, statements: [], until }, soon())
  await postgres.query(`drop role "${nameOf(dropped)}"`)
  const { targets } = await broker.life.parts()!.reconciler.run({ restored: true })
  expect(targets).toMatchObject([{ prolongedCount: 1, missing: [{ name: nameOf(dropped), lease: dropped.lease!.id }] }])
  const { expiresAt } = (await broker.store.lease(renewed.lease!.id as never))!
  expect(Math.abs(expiresAt.since(until).total('seconds'))).toBeLessThan(3)
  await broker.ask('write', 'sys/leases/revoke-prefix/database', { sync: false })
  await gone(broker, nameOf(renewed))
})

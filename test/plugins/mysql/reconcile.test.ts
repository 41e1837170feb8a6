/** The reconciler on a real MariaDB and a real MySQL that others use as well: what is ours and has no lease goes, sessions included; nobody else is touched. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { database } from '../../../plugins/database/index.ts'
import { newMark } from '../../../plugins/database/creds/mark.ts'
import { mysql } from '../../../plugins/mysql/index.ts'
import type { TargetReport } from '../../../src/broker/reconcile/reconcile-report.ts'
import type { JsonObject } from '../../../src/contracts/index.ts'
import { systemRandom } from '../../../src/system-clock.ts'
import { dataOf, smallBroker } from '../../broker/small-broker.ts'
import type { SmallBroker } from '../../broker/small-broker.ts'
import { TestClock } from '../../sim/test-clock.ts'
import type { MysqlAccess } from '../../targets/mysql-access.ts'
import { canLogIn, hostsOf, login, newUser, openDriver, sessionsOf, soon } from './kit.ts'
import { sharedMysql, sharedMysqls } from '../../targets/shared-mysql.ts'

async function look(broker: SmallBroker): Promise<TargetReport> {
  return dataOf(await broker.ask('write', 'sys/reconcile/database')).targets[0] as TargetReport
}

describe.each(sharedMysqls)('%s', flavour => {
  let server: MysqlAccess

  beforeAll(async () => {
    server = await sharedMysql(flavour)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const fields = (): JsonObject => ({
    host: server.host,
    port: server.port,
    username: server.admin.user,
    password: server.admin.password,
    tls: 'false'
  })

  /** A broker whose clock is where the server's is, with a connection and a role. */
  async function withDatabase(reconcile: string): Promise<SmallBroker> {
    const clock = new TestClock(Temporal.Now.instant().toString())
    const broker = await smallBroker({ clock, backends: [database], databaseDrivers: [mysql] })
    await broker.ask('write', 'sys/mounts/database', { type: 'database', config: { reconcile, reconcile_after: '70s' } })
    await broker.ask('write', 'database/config/app', { ...fields(), plugin_name: 'mysql-database-plugin', allowed_roles: '*' })
    await broker.ask('write', 'database/roles/app', { db_name: 'app', member_of: ['app_ro'], default_ttl: '1h', max_ttl: '4h' })
    return broker
  }

  /** A user of this very broker that its store knows nothing of, with as long a name as the server takes. */
  async function lost(broker: SmallBroker): Promise<string> {
    const { instance, barrier } = broker.life.parts()!
    const { account } = mysql.connection(fields(), { tls: 'any' })
    const marker = { instance, mac: (data: string) => barrier.mac(`mark ${instance}`, data) }
    const filling = flavour === 'mariadb' ? 'x'.repeat(48) : ''
    const name = `v-lost-${filling}${Buffer.from(systemRandom.bytes(12)).toString('hex')}`
    const user = newUser({ name, until: broker.clock.now().add({ hours: 1 }) })
    const mark = newMark(marker, account, name, `x/${name.slice(-24)}`)
    await openDriver(server).createUser({ ...user, mark }, soon())
    return name
  }

  /** A revocation waits on the broker's clock between its looks, and on the server in its own time. */
  async function gone(broker: SmallBroker, name: string): Promise<void> {
    const hosts = async () => {
      await broker.clock.advance(200)
      return hostsOf(server, name)
    }
    await expect.poll(hosts, { timeout: 15_000, interval: 20 }).toEqual([])
  }

  test('what is ours and has no lease is removed, with its sessions, and nobody else is touched', async () => {
    await using broker = await withDatabase('remove')
    const known = dataOf(await broker.ask('read', 'database/creds/app')) as { username: string; password: string }
    const [ours, bare] = [await lost(broker), `v-bare-${known.username.slice(-12)}`]
    const theirs = newUser()
    await openDriver(server).createUser(theirs, soon())
    await server.query(`create user '${bare}'@'%' identified by 'theirs'`)
    const session = await login(server, ours)
    try {
      const first = await look(broker)
      expect(first.orphans).toMatchObject([{ name: ours, enabled: true, state: 'waits', until: expect.any(String) }])
      expect(first.unmarked).toContainEqual({ name: bare, enabled: true })
      expect(first.foreignCount).toBeGreaterThan(0)
      expect(first).toMatchObject({ missingCount: 0 })
      await broker.clock.advance('PT75S')
      expect(await look(broker)).toMatchObject({ orphanCount: 0, adopted: [{ name: ours }] })
      await gone(broker, ours)
      await session.ended
      expect(await sessionsOf(server, ours)).toBe(0)
      expect(await canLogIn(server, known.username, known.password)).toBe(true)
      expect(await canLogIn(server, theirs.name)).toBe(true)
      expect(await hostsOf(server, bare)).toEqual(['%'])
    } finally {
      await server.query(`drop user '${bare}'@'%'`)
      await openDriver(server).revokeUsers({ statements: [], users: [{ name: theirs.name, mark: theirs.mark, handle: {} }] }, soon())
      await broker.ask('write', 'sys/leases/revoke-prefix/database', { sync: false })
      await gone(broker, known.username)
    }
  })

  test(
    'after a restore a lease has the end that the server knows, and a user that was dropped is missed',
    { timeout: 240_000 },
    async () => {
      await using broker = await withDatabase('report')
      const [renewed, dropped] = [await broker.ask('read', 'database/creds/app'), await broker.ask('read', 'database/creds/app')]
      const nameOf = (reply: typeof renewed): string => dataOf(reply).username
      const until = broker.clock.now().add({ hours: 3 })
      await openDriver(server).renewUser({ name: nameOf(renewed), handle: {}, statements: [], until }, soon())
      await server.query(`drop user '${nameOf(dropped)}'@'%'`)
      const { targets } = await broker.life.parts()!.reconciler.run({ restored: true })
      expect(targets).toMatchObject([{ prolongedCount: 1, missing: [{ name: nameOf(dropped), lease: dropped.lease!.id }] }])
      const { expiresAt } = (await broker.store.lease(renewed.lease!.id as never))!
      expect(Math.abs(expiresAt.since(until).total('seconds'))).toBeLessThan(3)
      await broker.ask('write', 'sys/leases/revoke-prefix/database', { sync: false })
      await gone(broker, nameOf(renewed))
    }
  )
})

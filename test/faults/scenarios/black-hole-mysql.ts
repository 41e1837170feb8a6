import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import { FaultProxy } from '../../targets/fault-proxy.ts'
import { mysqlMissing } from '../../targets/mysql-flavours.ts'
import type { Flavour } from '../../targets/mysql-flavours.ts'
import { startMysql } from '../../targets/test-mysql.ts'
import { latenessMsMax } from '../fault-world.ts'
import type { FaultWorld } from '../fault-world.ts'
import { must } from '../scenario.ts'
import type { Scenario } from '../scenario.ts'

const backWithinMs = 60_000
const credentials = 20
// Longer than a busy machine takes to issue them all.
const ttlSeconds = 10

/** MySQL, which few machines have, only where it is named: elsewhere it is not missing. */
export const blackHoledMysqls: readonly Scenario[] = [
  blackHoled('MariaDB', 'mariadb'),
  ...(process.env['MAYFLY_MYSQL'] === undefined ? [] : [blackHoled('MySQL', 'mysql')])
]

function blackHoled(name: string, flavour: Flavour): Scenario {
  return {
    name: `${name} black-holed`,
    fault: `a ${name} without a scheduler swallows every byte while its credentials end`,
    promise: 'a healthy target keeps its time; what waited is revoked within 60 s of the return, sessions too',
    missing: () => mysqlMissing(flavour),
    run: world => run(world, name, flavour)
  }
}

async function run(world: FaultWorld, name: string, flavour: Flavour): Promise<string> {
  await using server = await startMysql(flavour, { event_scheduler: 'OFF' })
  await using proxy = await FaultProxy.start(server)
  await world.api.must('POST', 'sys/mounts/maria', { type: 'database' })
  await world.api.must('POST', 'maria/config/app', {
    plugin_name: 'mysql-database-plugin',
    allowed_roles: '*',
    connection_url: `{{username}}:{{password}}@tcp(${proxy.host}:${proxy.port})/?tls=false`,
    username: server.admin.user,
    password: server.admin.password
  })
  await world.api.must('POST', 'maria/roles/app', { db_name: 'app', member_of: ['app_ro'], default_ttl: `${ttlSeconds}s` })
  const issued: { readonly username: string; readonly password: string }[] = []
  for (let at = 0; at < credentials; at++) issued.push((await world.api.must('GET', 'maria/creds/app')).data)
  const lastAt = performance.now()
  const session = await server.connect({ user: issued[0]!.username, password: issued[0]!.password })
  proxy.fault = { kind: 'black-hole' }
  const late = await world.untilGone(await world.issueMany(credentials, 5), { limitMs: latenessMsMax })
  await wait(Math.max(0, lastAt + (ttlSeconds + 1) * 1_000 - performance.now()))
  const left = async () => Number((await server.query("select count(*) as n from mysql.user where User like 'v-%'"))[0]?.['n'])
  must((await left()) === credentials, `${await left()} of ${credentials} were there to be ended after the return`)
  proxy.fault = { kind: 'pass' }
  const returnedAt = performance.now()
  while ((await left()) > 0 && performance.now() - returnedAt < backWithinMs) await wait(100)
  must((await left()) === 0, `users are left ${backWithinMs / 1_000} s after the return`)
  const backMs = performance.now() - returnedAt
  const alive = await session.query('select 1').then(
    () => true,
    () => false
  )
  must(!alive, 'a session that was open went on')
  return `${credentials} of the healthy target at most ${Math.round(late)} ms late; ${credentials} of ${name} ${(backMs / 1_000).toFixed(1)} s after its return`
}

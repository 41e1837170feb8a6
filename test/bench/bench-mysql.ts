import { randomBytes } from 'node:crypto'
import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import type { Connection } from 'mysql2/promise'
import { createEvent } from '../../plugins/mysql/create/event.ts'
import { quoteAccount, quoteLiteral } from '../../plugins/mysql/server/quote.ts'
import { ServerClock } from '../../plugins/database/driver/server-clock.ts'
import { timestamp } from '../../plugins/mysql/server/server-clock.ts'
import { kindOf } from '../../plugins/mysql/server/server-kind.ts'
import { systemClock, systemRandom } from '../../src/system-clock.ts'
import { flavours, mysqlMissing } from '../targets/mysql-flavours.ts'
import type { Flavour } from '../targets/mysql-flavours.ts'
import { startMysql } from '../targets/test-mysql.ts'
import type { TestMysql } from '../targets/test-mysql.ts'
import { poolSize } from './bench-broker.ts'
import type { BenchBroker } from './bench-broker.ts'
import { cpuMs } from './process-usage.ts'
import type { Stand } from './stand.ts'
import { atLeast, median, perSecond, printTable } from './table.ts'

const issued = 500
const due = 5_000
// What both sides are compiled in, and the server fills its caches; not counted.
const warmUpRounds = 3
const rounds = 5
const issueMsMax = 300_000
const lookEveryMs = 20

/** Issuing at 16 clients against the same statements over one connection, and 5,000 leases that are due at once against single drops: at each of MariaDB and MySQL that is here. */
export async function benchMysql(stand: Stand): Promise<void> {
  for (const flavour of flavours) {
    const missing = mysqlMissing(flavour)
    if (missing === undefined) await benchAt(stand, flavour)
    else process.stdout.write(`\n${flavour}: ${missing}\n`)
  }
}

async function benchAt(stand: Stand, flavour: Flavour): Promise<void> {
  await using server = await startMysql(flavour)
  await using broker = await stand.broker()
  await useServer(broker, server)
  const token = await broker.applicationToken()
  const raw = await RawClient.connect(server)
  const issue = (replies: number) =>
    stand.load(broker, token, { method: 'GET', path: 'database/creds/app', clients: poolSize, milliseconds: issueMsMax, replies })
  const seen: { raw: number; mayfly: number; cpuMs: number }[] = []
  for (let round = 0; round < warmUpRounds + rounds; round++) {
    const one = await raw.issue(issued)
    const { rate, cpuMs } = await issue(issued)
    if (round >= warmUpRounds) seen.push({ raw: one, mayfly: rate, cpuMs })
    await raw.dropAll()
    await revokeAll(server, broker)
  }
  printTable(`issue: credentials of ${flavour} a second, 16 clients, against the same statements over one connection`, [
    {
      raw: perSecond(median(seen.map(one => one.raw))),
      mayfly: perSecond(median(seen.map(one => one.mayfly))),
      'of raw': atLeast(median(seen.map(one => one.mayfly / one.raw)), 0.5),
      'CPU ms': median(seen.map(one => one.cpuMs)).toFixed(2)
    }
  ])
  await raw.issue(due)
  const drops = await raw.dropAll()
  await issue(due)
  const ended = await revokeAll(server, broker)
  await raw.end()
  printTable(`revoke: ${due} leases of ${flavour} that are due at once, against single DROP USER over one connection`, [
    {
      raw: perSecond(drops),
      mayfly: perSecond(due / ended.seconds),
      'of raw': atLeast(due / ended.seconds / drops, 1),
      'CPU ms': (ended.cpuMs / due).toFixed(2)
    }
  ])
}

async function useServer({ api }: BenchBroker, { host, port, admin }: TestMysql): Promise<void> {
  await api.must('POST', 'sys/mounts/database', { type: 'database' })
  await api.must('POST', 'database/config/app', {
    plugin_name: 'mysql-database-plugin',
    allowed_roles: '*',
    connection_url: `{{username}}:{{password}}@tcp(${host}:${port})/?tls=false`,
    username: admin.user,
    password: admin.password,
    max_open_connections: poolSize
  })
  await api.must('POST', 'database/roles/app', { db_name: 'app', member_of: ['app_ro'], default_ttl: '10h' })
}

/** From the word that makes them due until neither a user nor a lease is left. */
async function revokeAll(server: TestMysql, broker: BenchBroker): Promise<{ seconds: number; cpuMs: number }> {
  const before = cpuMs(broker.pid)
  const startedAt = performance.now()
  const left = async () => Number((await server.query("select count(*) as n from mysql.user where User like 'v-%'"))[0]?.['n'])
  await broker.api.must('PUT', 'sys/leases/revoke-prefix/database/creds/app', { sync: false })
  while ((await left()) > 0) await wait(lookEveryMs)
  while ((await broker.api.ask('GET', 'sys/leases/lookup/database/creds/app/?list=true')).status !== 404) await wait(lookEveryMs)
  return { seconds: (performance.now() - startedAt) / 1_000, cpuMs: cpuMs(broker.pid) - before }
}

/** The driver's own statements, one user after the other. */
class RawClient {
  readonly #client: Connection
  readonly #version: string
  readonly #time = new ServerClock(systemClock)
  readonly #names: string[] = []

  private constructor(client: Connection, version: string) {
    this.#client = client
    this.#version = version
  }

  static async connect(server: TestMysql): Promise<RawClient> {
    const [row] = await server.query('select version() as version')
    const client = await server.connect({ ...server.admin, database: 'mysql', multipleStatements: true })
    await client.query("set time_zone = '+00:00'")
    return new RawClient(client, String(row?.['version']))
  }

  async issue(count: number): Promise<number> {
    const kind = kindOf(this.#version)
    const identified = await kind.identified('Raw-Passw0rd', systemRandom, new AbortController().signal)
    const startedAt = performance.now()
    for (let made = 0; made < count; made++) {
      const name = `raw-${randomBytes(10).toString('hex')}`
      const account = quoteAccount(name, '%')
      const now = systemClock.now()
      const deadline = kind.deadline(quoteLiteral(timestamp(now.add({ seconds: 30 }))))
      const mark = `mayfly:1:000000000000:${randomBytes(12).toString('hex')}:0123456789abcdef`
      const event = createEvent({ time: this.#time }, kind, { name, hosts: ['%'], until: now.add({ hours: 10 }), mark })
      const free = kind.refuseIf(`exists (select 1 from mysql.user where User = ${quoteLiteral(name)})`)
      await this.#client.query([deadline, free, event, ...kind.createUser({ account, identified, mark, roles: ['app_ro'] })].join(';\n'))
      await this.#client.query([deadline, `alter user ${account} ${identified} account unlock`].join(';\n'))
      this.#names.push(name)
    }
    return count / ((performance.now() - startedAt) / 1_000)
  }

  /** Users a second; their events are not counted. */
  async dropAll(): Promise<number> {
    const names = this.#names.splice(0)
    const startedAt = performance.now()
    for (const name of names) await this.#client.query(`drop user ${quoteAccount(name, '%')}`)
    const rate = names.length / ((performance.now() - startedAt) / 1_000)
    for (const name of names) await this.#client.query(`drop event mayfly.\`${name}\``)
    return rate
  }

  end(): Promise<void> {
    return this.#client.end()
  }
}

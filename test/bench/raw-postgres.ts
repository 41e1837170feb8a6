/** The other side of each comparison: the very statements of `plugins/postgresql`, sent to the same server without a broker. A process of its own, because a broker has one. */
import { randomBytes } from 'node:crypto'
import process from 'node:process'
import { Client } from 'pg'
import type { ClientConfig } from 'pg'
import { creation } from '../../plugins/postgresql/create/creation.ts'
import { quoteIdentifier, quoteLiteral } from '../../plugins/postgresql/server/quote.ts'
import { scramVerifier } from '../../plugins/postgresql/create/scram.ts'
import { ServerClock } from '../../plugins/database/driver/server-clock.ts'
import { Secret } from '../../src/contracts/index.ts'
import { systemClock, systemRandom } from '../../src/system-clock.ts'

export type RawOrder = {
  readonly server: { readonly host: string; readonly port: number; readonly user: string; readonly password: string }
} & (
  | { readonly issue: { readonly connections: number; readonly milliseconds: number; readonly users?: number } }
  /** Users that `issue` made, dropped one by one over one connection. */
  | { readonly drop: readonly string[] }
)

export interface RawResult {
  readonly names: readonly string[]
  readonly seconds: number
}

const time = new ServerClock(systemClock)
// A verifier costs the same whether it was seen before or not.
const verifier = await scramVerifier('precomputed', systemRandom, new AbortController().signal)

async function run(order: RawOrder): Promise<RawResult> {
  const connections = 'issue' in order ? order.issue.connections : 1
  const clients = await Promise.all(Array.from({ length: connections }, () => connect(order.server)))
  try {
    const startedAt = performance.now()
    const names = 'issue' in order ? await issueAll(clients, order.issue) : await dropAll(clients[0]!, order.drop)
    return { names, seconds: (performance.now() - startedAt) / 1_000 }
  } finally {
    await Promise.all(clients.map(client => client.end()))
  }
}

async function connect(server: RawOrder['server']): Promise<Client> {
  const client = new Client({
    ...server,
    database: 'app',
    ssl: false,
    application_name: 'raw',
    options: '-c TimeZone=UTC'
  } satisfies ClientConfig)
  await client.connect()
  return client
}

async function issueAll(
  clients: readonly Client[],
  { milliseconds, users = Infinity }: Extract<RawOrder, { issue: unknown }>['issue']
): Promise<string[]> {
  const names: string[] = []
  const until = performance.now() + milliseconds
  const version = Number((await clients[0]!.query('show server_version_num')).rows[0].server_version_num) / 10_000
  let begun = 0
  const loop = async (client: Client) => {
    while (begun < users && performance.now() < until) {
      begun++
      names.push(await issue(client, Math.floor(version)))
    }
  }
  await Promise.all(clients.map(loop))
  return names
}

async function issue(client: Client, version: number): Promise<string> {
  const name = `v-token-app-${randomBytes(10).toString('hex')}-${Math.floor(Date.now() / 1_000)}`
  const now = systemClock.now()
  const sql = creation(
    time,
    version,
    {
      name,
      password: new Secret(''),
      mark: `mayfly:1:000000000000:${randomBytes(12).toString('hex')}:${randomBytes(8).toString('hex')}`,
      statements: [],
      memberOf: ['app_ro'],
      createBy: now.add({ seconds: 10 }),
      until: now.add({ hours: 10 })
    },
    undefined
  )
  await client.query(sql)
  await client.query(`alter role ${quoteIdentifier(name)} login password ${quoteLiteral(verifier)}`)
  return name
}

async function dropAll(client: Client, names: readonly string[]): Promise<string[]> {
  for (const name of names) await client.query(`drop role ${quoteIdentifier(name)}`)
  return [...names]
}

process.on('message', (order: RawOrder) => {
  run(order).then(
    result => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? (error.stack ?? '') : String(error) })
  )
})
process.send?.('ready')

import { poolSize } from './bench-broker.ts'
import type { BenchBroker } from './bench-broker.ts'
import type { Loaded, Stand } from './stand.ts'
import { atLeast, atMost, median, perSecond, printTable } from './table.ts'

const rounds = 5
// As many for both: each create costs more the more users there are.
const users = 300
const roundMsMax = 60_000
const warmUpMs = 10_000
const warmUpRounds = 8

/** Issuing at 1, 16 and 64 clients against the same statements sent raw. The rounds of both take turns, so that what else happens on the machine happens to both. */
export async function benchIssue(stand: Stand): Promise<void> {
  await using broker = await stand.broker()
  await broker.useDatabase(await stand.postgres())
  const token = await broker.applicationToken()
  // Both end what they made before the other's turn: since PostgreSQL 16 each create walks every live user of the account, and a few thousand would be all that is measured.
  const issue = async (clients: number) => {
    const order = { clients, replies: users, milliseconds: roundMsMax }
    const issued = await stand.load(broker, token, { method: 'GET', path: 'database/creds/app', ...order })
    await broker.api.must('PUT', 'sys/leases/revoke-prefix/database/creds/app', {})
    return issued
  }
  const raw = async (connections: number) => {
    const { names, seconds } = await stand.raw({ issue: { connections, users, milliseconds: roundMsMax } })
    await stand.raw({ drop: names })
    return names.length / seconds
  }
  await warmUp(stand, broker, token)
  for (let round = 0; round < warmUpRounds; round++) {
    await issue(poolSize)
    await raw(poolSize)
  }
  const seen: { clients: number; raw: number; issued: Loaded }[] = []
  for (let round = 0; round < rounds; round++)
    for (const clients of [1, 16, 64]) seen.push({ clients, raw: await raw(Math.min(clients, poolSize)), issued: await issue(clients) })
  printTable(
    `issue: credentials of PostgreSQL a second, ${poolSize} connections, against the same statements sent raw`,
    Map.groupBy(seen, ({ clients }) => clients)
      .entries()
      .map(([clients, all]) => ({
        clients: String(clients),
        raw: perSecond(median(all.map(one => one.raw))),
        'raw by': String(Math.min(clients, poolSize)),
        mayfly: perSecond(median(all.map(({ issued }) => issued.rate))),
        'of raw': atLeast(median(all.map(one => one.issued.rate / one.raw)), 0.6),
        'CPU ms': atMost(median(all.map(({ issued }) => issued.cpuMs)), 1.5),
        'median ms': median(all.map(({ issued }) => issued.medianMs)).toFixed(1),
        '99 % ms': median(all.map(({ issued }) => issued.slowMs)).toFixed(1)
      }))
      .toArray()
  )
}

/** The rates are those of a broker that has been at work for a while: what is compiled for speed after some thousand credentials costs half of what it costs before (measured). The
 *  target that is fastest brings most of it there; the rest is this one's own. */
async function warmUp(stand: Stand, broker: BenchBroker, token: string): Promise<void> {
  await broker.useMemory()
  const order = { method: 'GET', clients: poolSize, milliseconds: warmUpMs } as const
  await stand.load(broker, token, { ...order, path: 'users/creds/app' })
  await broker.api.must('PUT', 'sys/leases/revoke-prefix/users/creds/app', {})
}

import { poolSize } from './bench-broker.ts'
import type { Loaded, Stand } from './stand.ts'
import { atLeast, atMost, median, perSecond, printTable } from './table.ts'

const rounds = 3
const roundMs = 2_500

/** Issuing at 1, 16 and 64 clients against the same statements sent raw. The rounds of both take turns, so that what else happens on the machine happens to both. */
export async function benchIssue(stand: Stand): Promise<void> {
  await using broker = await stand.broker()
  await broker.useDatabase(await stand.postgres())
  const token = await broker.applicationToken()
  // Both end what they made before the other's turn: since PostgreSQL 16 each create walks every live user of the account, and a few thousand would be all that is measured.
  const issue = async (clients: number, milliseconds = roundMs) => {
    const issued = await stand.load(broker, token, { method: 'GET', path: 'database/creds/app', clients, milliseconds })
    await broker.api.must('PUT', 'sys/leases/revoke-prefix/database/creds/app', {})
    return issued
  }
  const raw = async (connections: number, milliseconds = roundMs) => {
    const { names, seconds } = await stand.raw({ issue: { connections, milliseconds } })
    await stand.raw({ drop: names })
    return names.length / seconds
  }
  await issue(poolSize, 1_500)
  await raw(poolSize, 1_000)
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

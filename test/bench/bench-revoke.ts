import { setTimeout as wait } from 'node:timers/promises'
import type { BenchBroker } from './bench-broker.ts'
import { poolSize } from './bench-broker.ts'
import { cpuMs } from './process-usage.ts'
import type { Stand } from './stand.ts'
import { atLeast, median, perSecond, printTable } from './table.ts'

const leases = 2_000
const rounds = 2
const issueMsMax = 120_000
const lookEveryMs = 20

/** Revoking 2,000 leases that are due at once, sessions looked for and the end proven, against bare drops one by one. */
export async function benchRevoke(stand: Stand): Promise<void> {
  await using broker = await stand.broker()
  await broker.useDatabase(await stand.postgres())
  const token = await broker.applicationToken()
  const seen: { raw: number; mayfly: number; cpuMs: number }[] = []
  for (let round = 0; round < rounds; round++) {
    const raw = await rawDrops(stand)
    const load = { method: 'GET', path: 'database/creds/app', clients: poolSize, milliseconds: issueMsMax, replies: leases } as const
    await stand.load(broker, token, load)
    seen.push({ raw, ...(await revokeAll(stand, broker)) })
  }
  printTable(`revoke: ${leases} due leases of PostgreSQL, against single drops over one connection`, [
    {
      leases: String(leases),
      raw: perSecond(median(seen.map(({ raw }) => raw))),
      mayfly: perSecond(median(seen.map(({ mayfly }) => mayfly))),
      'of raw': atLeast(median(seen.map(({ raw, mayfly }) => mayfly / raw)), 0.5),
      'CPU ms': median(seen.map(one => one.cpuMs)).toFixed(2)
    }
  ])
}

async function rawDrops(stand: Stand): Promise<number> {
  const { names } = await stand.raw({ issue: { connections: poolSize, milliseconds: issueMsMax, users: leases } })
  const { seconds } = await stand.raw({ drop: names })
  return names.length / seconds
}

/** From the word that makes them due until neither a user nor a lease is left. */
async function revokeAll(stand: Stand, broker: BenchBroker): Promise<{ mayfly: number; cpuMs: number }> {
  const before = cpuMs(broker.pid)
  const startedAt = performance.now()
  await broker.api.must('PUT', 'sys/leases/revoke-prefix/database/creds/app', { sync: false })
  while ((await usersLeft(stand)) > 0) await wait(lookEveryMs)
  while ((await broker.api.ask('GET', 'sys/leases/lookup/database/creds/app/?list=true')).status !== 404) await wait(lookEveryMs)
  const seconds = (performance.now() - startedAt) / 1_000
  return { mayfly: leases / seconds, cpuMs: (cpuMs(broker.pid) - before) / leases }
}

async function usersLeft(stand: Stand): Promise<number> {
  const [row] = await (await stand.postgres()).query("select count(*)::int as left from pg_roles where rolname like 'v-%'")
  return Number(row?.['left'])
}

import { setTimeout as wait } from 'node:timers/promises'
import { issuingPaths, seededBroker } from './seeded-broker.ts'
import { residentMb } from './process-usage.ts'
import type { Stand } from './stand.ts'
import { atMost, median, printTable } from './table.ts'

const starts = 3
// Reconciling, the first checkpoint and the first sweep are over.
const restMs = 2_000

interface Seen {
  readonly leases: number
  readonly startMs: number
  readonly restMb: number
  readonly busyMb: number
}

/** From the start of the process until it serves, and the memory that it takes: at rest, and after issuing. What the second shows more at a million leases is SQLite's page
 *  cache, of bounded size, which the goal does not count. */
export async function benchStart(stand: Stand): Promise<void> {
  const seen: Seen[] = []
  for (const leases of [0, 100_000, 1_000_000]) seen.push(await startWith(stand, leases))
  const empty = seen[0]!
  printTable(
    'start: until it serves, and memory',
    seen.map(({ leases, startMs, restMb, busyMb }) => ({
      leases: leases.toLocaleString('en'),
      'start ms': atMost(startMs, 2_000),
      'at rest MB': restMb.toFixed(0),
      'over empty': atMost(restMb - empty.restMb, 50),
      'after work MB': busyMb.toFixed(0)
    }))
  )
}

async function startWith(stand: Stand, leases: number): Promise<Seen> {
  await using broker = await seededBroker(stand, leases)
  const startMs: number[] = []
  const restMb: number[] = []
  for (let start = 0; start < starts; start++) {
    await broker.stop()
    startMs.push(await broker.start())
    await wait(restMs)
    restMb.push(residentMb(broker.pid))
  }
  for (const path of issuingPaths) await stand.load(broker, broker.token, { method: 'GET', path, clients: 16, milliseconds: 2_000 })
  return { leases, startMs: median(startMs), restMb: median(restMb), busyMb: residentMb(broker.pid) }
}

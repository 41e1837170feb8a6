import { issuingPaths, seededBroker } from './seeded-broker.ts'
import type { Loaded, Stand } from './stand.ts'
import { atMost, median, printTable } from './table.ts'

const clients = 16
const rounds = 4
const roundMs = 2_500

/** The cost of an issue beside a thousand leases and beside a million. Both brokers run, and take turns. */
export async function benchScale(stand: Stand): Promise<void> {
  await using few = await seededBroker(stand, 1_000)
  await using many = await seededBroker(stand, 1_000_000)
  await few.start()
  await many.start()
  const rows = []
  for (const path of issuingPaths) {
    const load = (broker: typeof few, milliseconds = roundMs) =>
      stand.load(broker, broker.token, { method: 'GET', path, clients, milliseconds })
    for (const broker of [few, many]) await load(broker, 4_000)
    const seen: { few: Loaded; many: Loaded }[] = []
    for (let round = 0; round < rounds; round++) seen.push({ few: await load(few), many: await load(many) })
    rows.push({
      path,
      'ms at 1,000': median(seen.map(one => cost(one.few))).toFixed(2),
      'ms at 1,000,000': median(seen.map(one => cost(one.many))).toFixed(2),
      ratio: atMost(median(seen.map(one => cost(one.many) / cost(one.few))), 1.2),
      'CPU ratio': median(seen.map(one => one.many.cpuMs / one.few.cpuMs)).toFixed(2)
    })
  }
  printTable(`scale: milliseconds per credential at ${clients} clients, beside few leases and beside many`, rows)
}

/** Milliseconds of wall time per credential. */
function cost({ rate }: Loaded): number {
  return 1_000 / rate
}

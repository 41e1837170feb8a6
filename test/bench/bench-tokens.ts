import type { Stand } from './stand.ts'
import { atLeast, median, printTable } from './table.ts'

const clients = 16
const rounds = 3
const roundMs = 2_500
const warmUpMs = 8_000

const benches = [
  { what: 'lookup-self', goal: 7_000, method: 'GET', path: 'auth/token/lookup-self' },
  { what: 'token create', goal: 4_000, method: 'POST', path: 'auth/token/create', body: { policies: ['default'], ttl: '1h' } }
] as const

/** Requests that touch nothing but the store: each with its two audit entries, durable before the reply. */
export async function benchTokens(stand: Stand): Promise<void> {
  await using broker = await stand.broker()
  const token = await broker.applicationToken()
  const rows = []
  for (const { what, goal, ...asked } of benches) {
    await stand.load(broker, token, { ...asked, clients, milliseconds: warmUpMs })
    const seen = []
    for (let round = 0; round < rounds; round++) seen.push(await stand.load(broker, token, { ...asked, clients, milliseconds: roundMs }))
    rows.push({
      what,
      'a second': atLeast(median(seen.map(({ rate }) => rate)), goal),
      'CPU ms': median(seen.map(({ cpuMs }) => cpuMs)).toFixed(3),
      'median ms': median(seen.map(({ medianMs }) => medianMs)).toFixed(1),
      '99 % ms': median(seen.map(({ slowMs }) => slowMs)).toFixed(1)
    })
  }
  printTable(`tokens: requests a second at ${clients} clients, audited and durable`, rows)
}

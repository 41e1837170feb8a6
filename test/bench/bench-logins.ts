import type { Stand } from './stand.ts'
import { atLeast, median, printTable } from './table.ts'

const clients = 16
const rounds = 3
const roundMs = 2_500

const benches = [
  { what: 'secret id without a count', goal: 2_500, settings: {} },
  { what: 'secret id with a count', goal: 2_000, settings: { num_uses: 1_000_000_000 } }
] as const

/** An application that logs in by AppRole: role and secret id looked up, the use taken, the token made, two audit entries, one commit before the reply. */
export async function benchLogins(stand: Stand): Promise<void> {
  await using broker = await stand.broker()
  const { api } = broker
  await api.must('POST', 'sys/auth/approle', { type: 'approle' })
  await api.must('POST', 'auth/approle/role/app', { token_policies: 'bench', token_ttl: '1h' })
  const { role_id } = (await api.must('GET', 'auth/approle/role/app/role-id')).data
  const rows = []
  for (const { what, goal, settings } of benches) {
    const { secret_id } = (await api.must('POST', 'auth/approle/role/app/secret-id', settings)).data
    const asked = { method: 'POST', path: 'auth/approle/login', body: { role_id, secret_id }, clients } as const
    await stand.load(broker, '', { ...asked, milliseconds: 2_000 })
    const seen = []
    for (let round = 0; round < rounds; round++) seen.push(await stand.load(broker, '', { ...asked, milliseconds: roundMs }))
    rows.push({
      what,
      'a second': atLeast(median(seen.map(({ rate }) => rate)), goal),
      'CPU ms': median(seen.map(({ cpuMs }) => cpuMs)).toFixed(3),
      'median ms': median(seen.map(({ medianMs }) => medianMs)).toFixed(1),
      '99 % ms': median(seen.map(({ slowMs }) => slowMs)).toFixed(1)
    })
  }
  printTable(`logins by AppRole: a second at ${clients} clients, audited and durable`, rows)
}

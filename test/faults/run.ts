/** `npm run test:faults`: each fault on a real broker, a real PostgreSQL, a real disk; a table at the end. `-- --only "disk full"` for one. */
import process from 'node:process'
import { parseArgs } from 'node:util'
import { startPostgres } from '../targets/embedded-postgres.ts'
import { FaultWorld } from './fault-world.ts'
import { Broken } from './scenario.ts'
import type { Scenario } from './scenario.ts'
import { scenarios } from './scenarios.ts'

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true } } })
const wanted = scenarios.filter(({ name }) => values.only?.includes(name) ?? true)
if (wanted.length === 0) throw new Error(`--only: expected one of ${scenarios.map(({ name }) => name).join(', ')}`)

await using postgres = await startPostgres()
const rows: { readonly fault: string; readonly verdict: 'holds' | 'BROKEN' | 'skipped'; readonly measured: string }[] = []
for (const scenario of wanted) {
  console.log(`\n${scenario.name}: ${scenario.fault}\n  must hold: ${scenario.promise}`)
  const row = await tried(scenario)
  console.log(`  ${row.verdict}: ${row.measured}`)
  rows.push(row)
}
console.log()
console.table(Object.fromEntries(rows.map(({ fault, ...row }) => [fault, row])))
const required = process.env['MAYFLY_REQUIRE'] === 'all'
if (rows.some(({ verdict }) => verdict === 'BROKEN' || (required && verdict === 'skipped'))) process.exitCode = 1

async function tried(scenario: Scenario): Promise<(typeof rows)[number]> {
  const fault = scenario.name
  const why = scenario.missing?.()
  if (why !== undefined) return { fault, verdict: 'skipped', measured: why }
  const { storeMegabytes, auditMegabytes } = scenario
  await using world = await FaultWorld.start({ postgres, storeMegabytes, auditMegabytes })
  try {
    return { fault, verdict: 'holds', measured: await scenario.run(world) }
  } catch (error) {
    if (!(error instanceof Broken)) console.error(error, world.broker.output.slice(-4_000))
    return { fault, verdict: 'BROKEN', measured: error instanceof Error ? error.message : String(error) }
  }
}

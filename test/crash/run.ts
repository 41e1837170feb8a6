/** `npm run test:crash`: at least a hundred kills at every named point and two thousand at random moments, against the real PostgreSQL. `-- --each 10 --random 50` for less. */
import { parseArgs } from 'node:util'
import { crashPoints } from '../../src/broker/crash-point.ts'
import { openLines, verifyTrail } from '../../src/audit/verify.ts'
import { startPostgres } from '../targets/embedded-postgres.ts'
import { crashRun } from './crash-run.ts'
import type { Moment } from './crash-run.ts'
import { postgresTarget } from './postgres-target.ts'

const { values } = parseArgs({
  options: {
    each: { type: 'string', default: '100' },
    random: { type: 'string', default: '2000' },
    point: { type: 'string', multiple: true }
  }
})
const points = values.point ?? [...crashPoints]
const named: Moment[] = points.flatMap(point => Array.from({ length: Number(values.each) }, (_, i) => ({ point, pass: 1 + (i % 5) })))
const random: Moment[] = Array.from({ length: Number(values.random) }, () => ({ afterMs: 20 + Math.random() * 1_500 }))

await using postgres = await startPostgres()
await using report = await crashRun(postgresTarget(postgres), [...named, ...random], line => console.log(line))
const verdict = await verifyTrail(openLines(report.auditFile), { publicKey: report.checkpointKey })
console.log(
  `\n${report.kills} kills (${values.each} at each of ${points.length} points, ${values.random} at random), ${report.issued} credentials acknowledged`
)
console.table({
  orphans: report.orphans.length,
  'past their time': report.late.length,
  'acknowledged and lost': report.lost.length,
  'points never reached': report.unreached.length,
  'audit chain': verdict.ok ? 'holds' : 'BROKEN'
})
for (const what of [...report.orphans, ...report.late, ...report.lost, ...report.unreached]) console.log(`  ${what}`)
if (report.orphans.length + report.late.length + report.lost.length + report.unreached.length > 0 || !verdict.ok) process.exitCode = 1

/** `npm run test:crash`: at least a hundred kills at every named point and two thousand at random moments, against the real PostgreSQL. `-- --each 10 --random 50` for less. */
import { parseArgs } from 'node:util'
import { crashPoints } from '../../src/broker/crash-point.ts'
import { openLines, verifyTrail } from '../../src/audit/verify.ts'
import { startPostgres } from '../targets/embedded-postgres.ts'
import { FaultProxy } from '../targets/fault-proxy.ts'
import { crashRun } from './crash-run.ts'
import type { Moment } from './crash-run.ts'
import { postgresMoments, postgresTarget } from './postgres-target.ts'

const { values } = parseArgs({
  options: {
    each: { type: 'string', default: '100' },
    random: { type: 'string', default: '2000' },
    point: { type: 'string', multiple: true }
  }
})
// A point of the sweeper passes a few times in a run of seconds, one of issuing many times, one of the start once.
const passesMax = 3

const all: Moment[] = [...crashPoints.map(point => ({ point, pass: 1 })), { point: 'issue:after-first-reply-byte' }, ...postgresMoments]
const points = all.filter(moment => 'point' in moment && (values.point?.includes(moment.point) ?? true))
const named = points.flatMap(moment =>
  Array.from({ length: Number(values.each) }, (_, i) =>
    'pass' in moment && !moment.point.startsWith('boot:') ? { ...moment, pass: 1 + (i % passesMax) } : moment
  )
)
const random: Moment[] = Array.from({ length: Number(values.random) }, () => ({ afterMs: 20 + Math.random() * 600 }))

await using postgres = await startPostgres()
await using proxy = await FaultProxy.start(postgres)
await using report = await crashRun(postgresTarget(postgres, proxy), [...named, ...random], line => console.log(line))
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

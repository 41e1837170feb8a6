import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openLines, verifyTrail } from '../../src/audit/verify.ts'
import { crashPoints } from '../../src/broker/crash-point.ts'
import { crashRun } from './crash-run.ts'
import type { Moment } from './crash-run.ts'
import { memoryTarget } from './memory-target.ts'

test('no moment to crash leaves a credential that nobody will revoke', { timeout: 240_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-crash-target-'))
  const moments: Moment[] = [
    ...crashPoints.map(point => ({ point, pass: 1 })),
    { point: 'issue:after-first-reply-byte' },
    ...[30, 150, 400, 700].map(afterMs => ({ afterMs }))
  ]
  await using report = await crashRun(memoryTarget(join(folder, 'users.db')), moments)
  const verdict = await verifyTrail(openLines(report.auditFile), { publicKey: report.checkpointKey })
  await rm(folder, { recursive: true, force: true })
  expect(report.issued).toBeGreaterThan(20)
  expect(report).toMatchObject({ orphans: [], late: [], lost: [], unreached: [] })
  expect(verdict).toMatchObject({ ok: true })
})

import { expect, test } from 'vitest'
import { memoryTarget } from './memory-target.ts'
import { runSuite } from './suite.ts'
import { issuing } from './suites/issuing.ts'

test('no moment to crash leaves a credential that nobody will revoke', { timeout: 240_000 }, async () => {
  const report = await runSuite(issuing('issuing', memoryTarget), { each: 1, random: 4 })
  expect(report).toMatchObject({ unreached: [], broken: [] })
  expect(report.answered).toBeGreaterThan(20)
})

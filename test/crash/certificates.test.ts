import { expect, test } from 'vitest'
import { runSuite } from './suite.ts'
import { certificates } from './suites/certificates.ts'

test('no certificate leaves without its lease, and no serial twice, across deaths', async () => {
  const report = await runSuite(certificates, { each: 2, random: 4 })
  expect(report).toMatchObject({ broken: [], unreached: [] })
  expect(report.answered).toBeGreaterThan(4)
}, 240_000)

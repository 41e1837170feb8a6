import { describe, expect, test } from 'vitest'
import { missing } from '../targets/missing.ts'
import { motoMissing } from '../targets/moto.ts'
import { awsMoments, awsTarget } from './aws-target.ts'
import { runSuite } from './suite.ts'
import { issuing } from './suites/issuing.ts'

describe.skipIf(missing(motoMissing()))('at AWS', () => {
  test('no call at which the broker dies leaves a user that nobody will revoke', { timeout: 480_000 }, async () => {
    // Said, carried out, and not heard; the long run has those before and after, too.
    const moments = awsMoments.filter(({ point }) => point.endsWith('-sent') && !point.includes(':before-'))
    const report = await runSuite({ ...issuing('issuing at AWS', awsTarget), moments }, { each: 1, random: 2 })
    expect(report).toMatchObject({ unreached: [], broken: [] })
    expect(report.answered).toBeGreaterThan(10)
  })
})

import { describe, expect, test } from 'vitest'
import { missing } from '../targets/missing.ts'
import { mysqlMissing } from '../targets/mysql-flavours.ts'
import { mysqlMoments, mysqlTarget } from './mysql-target.ts'
import { runSuite } from './suite.ts'
import { issuing } from './suites/issuing.ts'

describe.skipIf(missing(mysqlMissing('mariadb')))('MariaDB', () => {
  test('no moment between two messages leaves a credential that nobody will revoke', { timeout: 240_000 }, async () => {
    const suite = { ...issuing('issuing', () => mysqlTarget('mariadb')), moments: mysqlMoments }
    const report = await runSuite(suite, { each: 1, random: 0 })
    expect(report).toMatchObject({ unreached: [], broken: [] })
    expect(report.answered).toBeGreaterThan(0)
  })
})

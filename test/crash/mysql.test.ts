import { describe, expect, test } from 'vitest'
import { missing } from '../targets/missing.ts'
import { mysqlMissing } from '../targets/mysql-flavours.ts'
import { mysqlRotation } from './mysql-rotation.ts'
import { mysqlMoments, mysqlTarget } from './mysql-target.ts'
import { runSuite } from './suite.ts'
import { issuing } from './suites/issuing.ts'
import { changeMoments, rotation } from './suites/rotation.ts'

describe.skipIf(missing(mysqlMissing('mariadb')))('MariaDB', () => {
  test('no moment between two messages leaves a credential that nobody will revoke', { timeout: 240_000 }, async () => {
    const suite = { ...issuing('issuing', () => mysqlTarget('mariadb')), moments: mysqlMoments }
    const report = await runSuite(suite, { each: 1, random: 0 })
    expect(report).toMatchObject({ unreached: [], broken: [] })
    expect(report.answered).toBeGreaterThan(0)
  })

  test('no moment of a rotation leaves a password on record that does not log in', { timeout: 240_000 }, async () => {
    const target = mysqlRotation('mariadb')
    const suite = { ...rotation('rotation', target), moments: changeMoments(target) }
    expect(await runSuite(suite, { each: 1, random: 0 })).toMatchObject({ unreached: [], broken: [] })
  })
})

/** Those faults of `npm run test:faults` that take seconds. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startPostgres } from '../targets/embedded-postgres.ts'
import type { TestPostgres } from '../targets/embedded-postgres.ts'
import { missing } from '../targets/missing.ts'
import { FaultWorld } from './fault-world.ts'
import { scenarios } from './scenarios.ts'

let postgres: TestPostgres
beforeAll(async () => void (postgres = await startPostgres()))
afterAll(() => postgres[Symbol.asyncDispose]())

for (const scenario of scenarios.filter(({ short }) => short))
  test.skipIf(missing(scenario.missing?.()))(`${scenario.fault}: ${scenario.promise}`, async () => {
    const { storeMegabytes, auditMegabytes } = scenario
    await using world = await FaultWorld.start({ postgres, storeMegabytes, auditMegabytes })
    expect(await scenario.run(world)).not.toBe('')
  })

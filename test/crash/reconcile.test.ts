import { expect, test } from 'vitest'
import { runSuite } from './suite.ts'
import { reconcile } from './suites/reconcile.ts'

test(
  'a SIGKILL around the promise that ends what had no lease: before it nothing has happened, after it whoever starts next keeps it',
  { timeout: 240_000 },
  async () => {
    const report = await runSuite(reconcile, { each: 1, random: 2 })
    expect(report).toMatchObject({ kills: 4, answered: 4, unreached: [], broken: [] })
  }
)

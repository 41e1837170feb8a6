import { postgresMoments, postgresTarget } from './postgres-target.ts'
import type { CrashSuite } from './suite.ts'
import { issuing } from './suites/issuing.ts'
import { wrapping } from './suites/wrapping.ts'

/** Against the real PostgreSQL. */
const onPostgres = issuing('issuing', postgresTarget)

/** All of them. The first is what everything else stands on. */
export const crashSuites: readonly CrashSuite[] = [{ ...onPostgres, moments: [...onPostgres.moments, ...postgresMoments] }, wrapping]

import { motoMissing } from '../targets/moto.ts'
import { flavours, mysqlMissing } from '../targets/mysql-flavours.ts'
import { awsMoments, awsTarget } from './aws-target.ts'
import { mysqlMoments, mysqlTarget } from './mysql-target.ts'
import { postgresMoments, postgresTarget } from './postgres-target.ts'
import type { CrashSuite } from './suite.ts'
import { backup } from './suites/backup.ts'
import { certificates } from './suites/certificates.ts'
import { issuing } from './suites/issuing.ts'
import { keys } from './suites/keys.ts'
import { logins } from './suites/logins.ts'
import { reconcile } from './suites/reconcile.ts'
import { restore } from './suites/restore.ts'
import { rotation } from './suites/rotation.ts'
import { wrapping } from './suites/wrapping.ts'

/** Against the real PostgreSQL. */
const onPostgres = issuing('issuing', postgresTarget)

/** All of them. The first is what everything else stands on. */
export const crashSuites: readonly CrashSuite[] = [
  { ...onPostgres, moments: [...onPostgres.moments, ...postgresMoments] },
  wrapping,
  logins,
  rotation,
  keys,
  backup,
  restore,
  reconcile,
  certificates
]

/** Issuing at other targets, with `--target`: at all of that kind that this machine has. */
export const crashSuitesAt: Readonly<Record<string, () => readonly CrashSuite[]>> = {
  postgres: () => crashSuites,
  aws: () =>
    (motoMissing() === undefined ? [issuing('issuing at AWS', awsTarget)] : []).map(suite => ({
      ...suite,
      moments: [...suite.moments, ...awsMoments]
    })),
  mysql: () =>
    flavours
      .filter(flavour => mysqlMissing(flavour) === undefined)
      .map(flavour => issuing(`issuing at ${flavour}`, () => mysqlTarget(flavour)))
      .map(suite => ({ ...suite, moments: [...suite.moments, ...mysqlMoments] }))
}

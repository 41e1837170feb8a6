import { motoMissing } from '../targets/moto.ts'
import { flavours, mysqlMissing } from '../targets/mysql-flavours.ts'
import type { Flavour } from '../targets/mysql-flavours.ts'
import { awsMoments, awsTarget } from './aws-target.ts'
import { mysqlRotation } from './mysql-rotation.ts'
import { mysqlMoments, mysqlTarget } from './mysql-target.ts'
import { postgresRotation } from './postgres-rotation.ts'
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
  rotation('rotation', postgresRotation),
  keys,
  backup,
  restore,
  reconcile,
  certificates
]

function issuingAt(flavour: Flavour): CrashSuite {
  const suite = issuing(`issuing at ${flavour}`, () => mysqlTarget(flavour))
  return { ...suite, moments: [...suite.moments, ...mysqlMoments] }
}

/** The same at other targets, with `--target`: at all of that kind that this machine has. */
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
      .flatMap(flavour => [issuingAt(flavour), rotation(`rotation at ${flavour}`, mysqlRotation(flavour))])
}

import process from 'node:process'
import { inject } from 'vitest'
import type { MysqlDeskAnswer } from './global-setup.ts'
import { MysqlAccess } from './mysql-access.ts'
import { flavours, mysqlMissing } from './mysql-flavours.ts'
import type { Flavour } from './mysql-flavours.ts'
import { missing } from './missing.ts'

/** The servers that there are here, each shared by all suites of this run: leave only what carries your own names, and nobody else's sessions alone. For faults start your own. A server
 *  that is missing is skipped with a reason; where every target is required, its suites run and fail: those of MySQL, which few machines have, where MAYFLY_MYSQL is set. */
export const sharedMysqls: readonly Flavour[] = flavours.filter(flavour => !isMissing(flavour))

function isMissing(flavour: Flavour): boolean {
  const why = mysqlMissing(flavour)
  if (flavour === 'mariadb' || process.env['MAYFLY_MYSQL'] !== undefined) return missing(why)
  process.stderr.write(`*** SKIPPED: ${why}\n`)
  return true
}

export async function sharedMysql(flavour: Flavour): Promise<MysqlAccess> {
  const answer = (await (await fetch(`${inject('postgresDesk')}/${flavour}`)).json()) as MysqlDeskAnswer
  if ('error' in answer) throw new Error(answer.error)
  return new MysqlAccess(answer.mysql)
}

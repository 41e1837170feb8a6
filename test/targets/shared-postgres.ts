import { inject } from 'vitest'
import type { DeskAnswer } from './global-setup.ts'
import { PostgresAccess } from './postgres-access.ts'

/** The PostgreSQL that all suites of this run share: leave only what carries your own names, and nobody else's sessions alone. For faults start your own.
 *  Disposing ends the connections of this suite, not the server. */
export async function sharedPostgres(): Promise<PostgresAccess> {
  const answer = (await (await fetch(inject('postgresDesk'))).json()) as DeskAnswer
  if ('error' in answer) throw new Error(answer.error)
  return new PostgresAccess(answer.postgres)
}

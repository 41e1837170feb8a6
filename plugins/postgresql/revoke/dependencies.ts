import { oidsOf } from './ending.ts'
import type { Ending } from './ending.ts'
import { quoteOids } from '../server/quote.ts'
import type { Session } from '../server/session.ts'

/** What still names a user, in one database or in what all share. It keeps the user from being dropped. */
export interface Dependency {
  readonly ending: Ending
  /** Absent: shared by all databases, such as a database itself. */
  readonly database: string | undefined
  /** Objects, or a row policy. Else only rights, which go with the user. */
  readonly owns: boolean
}

/** A condition on `pg_shdepend s`: something is lost when it goes. Default privileges and the user's own mappings to foreign servers are settings of the user. */
export const isOwned = `(s.deptype not in ('a', 'i') and s.classid not in ('pg_catalog.pg_default_acl'::pg_catalog.regclass, 'pg_catalog.pg_user_mapping'::pg_catalog.regclass))`

/** Readable without being a superuser, for all databases. */
export async function readDependencies(session: Session, endings: readonly Ending[], signal: AbortSignal): Promise<readonly Dependency[]> {
  const byOid = new Map(endings.map(ending => [ending.oid, ending]))
  const [result] = await session.run(
    `select s.refobjid as oid, d.datname::pg_catalog.text as database, pg_catalog.bool_or(${isOwned}) as owns
       from pg_catalog.pg_shdepend s left join pg_catalog.pg_database d on d.oid = s.dbid
      where s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass and s.refobjid = any(${quoteOids(oidsOf(endings))}) group by 1, 2 order by 2, 1`,
    signal
  )
  return (result?.rows ?? []).flatMap(row => {
    const ending = byOid.get(Number(row['oid']))
    const database = row['database']
    return ending ? [{ ending, database: typeof database === 'string' ? database : undefined, owns: row['owns'] === true }] : []
  })
}

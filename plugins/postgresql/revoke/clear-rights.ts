import { unhandled } from 'mayfly/plugin'
import type { OwnedObjects } from 'mayfly/plugin'
import { isOwned } from './dependencies.ts'
import type { Ending } from './ending.ts'
import { quoteIdentifier, quoteLiteral } from '../server/quote.ts'

/** One message and one transaction, in the database of the session: what the user owns there is dealt with as its lease was frozen, and what was granted to it is taken
 *  back. Membership in the user comes first: without it 42501. It goes with the user. */
export function clearing(version: number, { user, oid }: Ending, owned: OwnedObjects): string {
  const name = quoteIdentifier(user.name)
  return [
    'begin',
    "set local lock_timeout = '1s'",
    `grant ${name} to current_user${version >= 16 ? ' with inherit true, set false' : ''}`,
    guard(
      `not exists (select from pg_catalog.pg_roles where oid = ${oid!} and rolname = ${quoteLiteral(user.name)})`,
      'the name is another user now'
    ),
    ...ofOwned(owned, name, oid!),
    // What is left: rights, default privileges. Without CASCADE, so nothing of anybody else's goes with it.
    `drop owned by ${name}`,
    'commit'
  ].join(';\n')
}

/** `DROP OWNED` drops tables: only what was looked at, in this transaction, may come before it. */
function ofOwned(owned: OwnedObjects, name: string, oid: number): readonly string[] {
  const there = `from pg_catalog.pg_shdepend s where s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass and s.refobjid = ${oid} and ${isOwned}`
  switch (owned.policy) {
    case 'keep':
      return [guard(`exists (select ${there})`, 'it owns objects by now')]
    case 'reassign':
      return [
        `reassign owned by ${name} to ${quoteIdentifier(owned.to)}`,
        guard(
          `exists (select ${there} and s.deptype = 'o' and s.dbid = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()))`,
          'not all of it was reassigned'
        )
      ]
    case 'drop':
      return []
    default:
      return unhandled(owned)
  }
}

const guard = (condition: string, message: string): string =>
  `do $mf$ begin if ${condition} then raise exception '${message}' using errcode = '55006'; end if; end $mf$`

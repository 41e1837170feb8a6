import { text } from '../users/accounts.ts'
import type { Session } from '../server/session.ts'

/** The rights on everything that the account has, by itself or by roles that are on, in the words of MySQL. */
export async function readGrants(session: Session, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const [row] = (await session.run('select current_role() as roles', signal))[0] ?? []
  const roles = text(row?.['roles'])
  // MariaDB shows those of the role that is on by itself.
  const using = session.kind.name === 'MySQL' && roles !== '' && roles !== 'NONE' ? ` for current_user() using ${roles}` : ''
  const [rows = []] = await session.run(`show grants${using}`, signal)
  return new Set(rows.flatMap(one => globalRights(text(Object.values(one)[0]))))
}

function globalRights(grant: string): readonly string[] {
  const found = /^GRANT (.+?) ON \*\.\* TO /.exec(grant)?.[1]
  if (found === undefined) return []
  const rights = found.split(/,\s*/).map(right =>
    right
      .trim()
      .toUpperCase()
      .replace('CONNECTION ADMIN', () => 'CONNECTION_ADMIN')
  )
  const all = ['CREATE USER', 'PROCESS', 'CONNECTION_ADMIN', 'EVENT']
  if (rights.some(right => right.startsWith('ALL PRIVILEGES'))) return all
  return rights.includes('SUPER') ? [...rights, 'CONNECTION_ADMIN'] : rights
}

import type { ListedUser } from 'mayfly/plugin'
import { targetError } from './errors.ts'
import { quoteLiteral } from './quote.ts'
import type { Server } from './server.ts'
import type { Row } from './session.ts'

const pageSizeMax = 1_000

/** Whoever carries a mark, or has a name like ours. Page by page: no connection is held while the reader works. */
export async function* listUsers(server: Server, signal: AbortSignal): AsyncGenerator<ListedUser> {
  let after = ''
  for (;;) {
    const rows = await readPage(server, after, signal)
    for (const row of rows) yield toListedUser(row)
    if (rows.length < pageSizeMax) return
    after = String(rows.at(-1)?.['name'])
  }
}

async function readPage(server: Server, after: string, signal: AbortSignal): Promise<readonly Row[]> {
  const sql = `select name, mark, enabled from (
      select rolname::pg_catalog.text as name, pg_catalog.shobj_description(oid, 'pg_authid') as mark, rolcanlogin as enabled from pg_catalog.pg_roles
    ) users
    where name > ${quoteLiteral(after)} collate "C" and (mark like 'mayfly:%' or name like 'v-%') order by name collate "C" limit ${pageSizeMax}`
  try {
    return await server.pool.use('issue', signal, async session => (await session.run(sql, signal))[0]?.rows ?? [])
  } catch (error) {
    throw targetError(error, 'target_unreachable', [server.settings.password])
  }
}

function toListedUser(row: Row): ListedUser {
  const mark = row['mark']
  return { name: String(row['name']), enabled: row['enabled'] !== false, ...(typeof mark === 'string' && { mark }) }
}

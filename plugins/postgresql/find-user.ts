import type { FoundUser } from 'mayfly/plugin'
import { targetError } from './errors.ts'
import { quoteLiteral } from './quote.ts'
import type { Server } from './server.ts'

/** The role of exactly this name. One that cannot log in is found as well: who may set its password may also let it in. */
export async function findUser(server: Server, name: string, signal: AbortSignal): Promise<FoundUser | undefined> {
  const sql = `select pg_catalog.shobj_description(oid, 'pg_authid') as mark from pg_catalog.pg_roles where rolname = ${quoteLiteral(name)}`
  try {
    const [found] = await server.pool.use('issue', signal, session => session.run(sql, signal))
    const row = found?.rows[0]
    if (!row) return undefined
    return typeof row['mark'] === 'string' && row['mark'].startsWith('mayfly:') ? { mark: row['mark'] } : {}
  } catch (error) {
    throw targetError(error, 'target_unreachable', [server.settings.password])
  }
}

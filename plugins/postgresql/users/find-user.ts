import type { FoundUser } from 'mayfly/plugin'
import { targetError } from '../server/errors.ts'
import { quoteLiteral } from '../server/quote.ts'
import type { Server } from '../server/server.ts'
import type { Row } from '../server/session.ts'

/** The role of exactly this name. One that cannot log in is found as well: who may set its password may also let it in. */
export async function findUser(server: Server, name: string, signal: AbortSignal): Promise<FoundUser | undefined> {
  try {
    return await server.pool.use('issue', signal, async session => {
      const [found] = await session.run(look(name, session.version), signal)
      return found?.rows[0] && toFound(found.rows[0])
    })
  } catch (error) {
    throw targetError(error, 'target_unreachable', [server.settings.password])
  }
}

/** Since 16 who may make users may alter only those on which it holds ADMIN; a superuser is altered by a superuser alone. */
function look(name: string, version: number): string {
  const admin = version >= 16 ? ` and pg_catalog.pg_has_role(a.oid, r.oid, 'member with admin option')` : ''
  return `select pg_catalog.shobj_description(r.oid, 'pg_authid') as mark,
      a.rolsuper or (a.rolcreaterole and not r.rolsuper${admin}) as may, r.rolsuper as super
    from pg_catalog.pg_roles r, pg_catalog.pg_roles a where r.rolname = ${quoteLiteral(name)} and a.rolname = current_user`
}

function toFound({ mark, may, super: isSuper }: Row): FoundUser {
  const missing =
    isSuper === true ? 'it is a superuser, and only a superuser may set its password' : 'CREATEROLE, or since 16 ADMIN on it, is missing'
  return { ...(typeof mark === 'string' && mark.startsWith('mayfly:') && { mark }), ...(may === true ? {} : { missing }) }
}

import type { FoundUser } from 'mayfly/plugin'
import { readAccounts } from './accounts.ts'
import { targetError } from './errors.ts'
import { markOf } from './marks.ts'
import type { Server } from './server.ts'

/** The accounts of exactly this name, whatever their hosts: they are one user with one password. */
export async function findUser(server: Server, name: string, signal: AbortSignal): Promise<FoundUser | undefined> {
  try {
    return await server.pool.use('issue', signal, async session => {
      const accounts = (await readAccounts(session, [name], signal)).get(name)
      if (!accounts) return undefined
      const mark = await markOf(session, name, accounts, signal)
      const missing = accounts.find(({ plugin }) => !session.kind.plugins.includes(plugin))
      const why = missing && `it logs in by the plugin ${missing.plugin}, for which no hash can be made: rotation_statements are needed`
      return { ...(mark !== undefined && { mark }), ...(why !== undefined && { missing: why }) }
    })
  } catch (error) {
    throw targetError(error, 'target_unreachable', [server.settings.password])
  }
}

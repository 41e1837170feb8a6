import type { FoundUser } from 'mayfly/plugin'
import { readAccounts } from './accounts.ts'
import { targetError } from '../server/errors.ts'
import { markOf } from './marks.ts'
import type { Server } from '../server/server.ts'
import { unhashable } from '../hash/unhashable.ts'

/** The accounts of exactly this name, whatever their hosts: they are one user with one password. */
export async function findUser(server: Server, name: string, signal: AbortSignal): Promise<FoundUser | undefined> {
  try {
    return await server.pool.use('issue', signal, async session => {
      const accounts = (await readAccounts(session, [name], signal)).get(name)
      if (!accounts) return undefined
      const mark = await markOf(session, name, accounts, signal)
      const missing = await unhashable(session, accounts, signal)
      return { ...(mark !== undefined && { mark }), ...(missing !== undefined && { missing }) }
    })
  } catch (error) {
    throw targetError(error, 'target_unreachable', [server.settings.password])
  }
}

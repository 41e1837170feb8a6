import { BrokerError } from 'mayfly/plugin'
import type { SetPassword } from 'mayfly/plugin'
import { readAccounts, text } from '../users/accounts.ts'
import type { Account } from '../users/accounts.ts'
import { enterDatabase } from '../server/enter-database.ts'
import { targetError } from '../server/errors.ts'
import { markOf } from '../users/marks.ts'
import { quoteAccount } from '../server/quote.ts'
import type { Server } from '../server/server.ts'
import type { Session } from '../server/session.ts'
import { changesSession, fillIn } from '../statements/statements.ts'
import { unhashable } from '../hash/unhashable.ts'

/** Another password for a user that is there, all its hosts in one statement: the same again changes nothing. */
export async function setPassword(server: Server, call: SetPassword, signal: AbortSignal): Promise<void> {
  const password = call.password.reveal()
  try {
    await server.pool.use('issue', signal, async session => {
      const accounts = await accountsToChange(server, session, call.name, signal)
      if (call.statements.length === 0) {
        const why = await unhashable(session, accounts, signal)
        if (why !== undefined) throw new BrokerError('target_refused', `the user keeps its password: ${why}`)
        const changed = accounts.map(
          async ({ name, host, plugin }) =>
            `${quoteAccount(name, host)} ${await session.kind.identified(password, server.random, signal, plugin)}`
        )
        await session.run(`alter user ${(await Promise.all(changed)).join(', ')}`, signal)
      }
      if (call.statements.length > 0) await enterDatabase(server, session, signal)
      for (const statement of call.statements) await session.run(fillIn(statement, { name: call.name, password }), signal)
      if (changesSession(call.statements)) session.retire()
    })
  } catch (error) {
    throw targetError(error, 'target_silent', [server.settings.password, password])
  }
}

/** Of the admin account that one which our session is: others of its name are not ours to change. */
async function accountsToChange(server: Server, session: Session, name: string, signal: AbortSignal): Promise<readonly Account[]> {
  const accounts = (await readAccounts(session, [name], signal)).get(name) ?? []
  const mark = accounts.length === 0 ? undefined : await markOf(session, name, accounts, signal)
  if (accounts.length === 0 || mark !== undefined)
    throw new BrokerError('target_refused', `the server has no user "${name}" that is there for more than a lease`)
  if (name !== server.settings.username) return accounts
  const [rows = []] = await session.run('select current_user() as me', signal)
  return accounts.filter(account => text(rows[0]?.['me']) === `${account.name}@${account.host}`)
}

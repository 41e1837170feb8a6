import { BrokerError } from 'mayfly/plugin'
import type { SetPassword } from 'mayfly/plugin'
import { readAccounts, text } from './accounts.ts'
import type { Account } from './accounts.ts'
import { enterDatabase } from './enter-database.ts'
import { targetError } from './errors.ts'
import { markOf } from './marks.ts'
import { quoteAccount } from './quote.ts'
import type { Server } from './server.ts'
import type { Session } from './session.ts'
import { changesSession, fillIn } from './statements.ts'

/** Another password for a user that is there, all its hosts in one statement: the same again changes nothing. */
export async function setPassword(server: Server, call: SetPassword, signal: AbortSignal): Promise<void> {
  const password = call.password.reveal()
  try {
    await server.pool.use('issue', signal, async session => {
      const accounts = await accountsToChange(server, session, call.name, signal)
      if (call.statements.length === 0) {
        refuseForeignPlugin(session, accounts)
        const identified = await session.kind.identified(password, server.random)
        const changed = accounts.map(({ name, host }) => `${quoteAccount(name, host)} ${identified}`)
        await session.run(`alter user ${changed.join(', ')}`, signal)
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

/** A hash in its place would be another way to log in than the one that was asked for. */
function refuseForeignPlugin({ kind }: Session, accounts: readonly Account[]): void {
  const foreign = accounts.find(({ plugin }) => !kind.plugins.includes(plugin))
  if (foreign || accounts.length === 0)
    throw new BrokerError('target_refused', 'no hash can be made for the way in which the user logs in: rotation_statements are needed')
}

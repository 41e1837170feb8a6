import type { Account } from '../users/accounts.ts'
import { quoteLiterals } from '../server/quote.ts'
import type { Session } from '../server/session.ts'

/** Why an account's password cannot be given as a hash that keeps its own way to log in; nothing when it can. Another way in its place would be one that nobody asked for. */
export async function unhashable(session: Session, accounts: readonly Account[], signal: AbortSignal): Promise<string | undefined> {
  const { plugins } = session.kind
  const foreign = accounts.find(({ plugin }) => !plugins.includes(plugin))
  if (foreign) return `it logs in by ${shownPlugin(foreign)}, for which no hash can be made: rotation_statements are needed`
  const off = await switchedOff(session, accounts, signal)
  if (off === undefined) return undefined
  return `it logs in by the plugin ${off}, which this server does not have or has switched off, so that nobody logs in as it: give it another plugin first, or rotation_statements`
}

/** MySQL has `mysql_native_password` off from 8.4 on and not at all from 9 on; accounts of before keep it. */
async function switchedOff(session: Session, accounts: readonly Account[], signal: AbortSignal): Promise<string | undefined> {
  const wanted = [...new Set(accounts.map(({ plugin }) => plugin))].filter(plugin => plugin !== '')
  if (wanted.length === 0) return undefined
  const [rows = []] = await session.run(
    `select lower(plugin_name) as name from information_schema.plugins where plugin_status = 'ACTIVE' and plugin_name in (${quoteLiterals(wanted)})`,
    signal
  )
  const active = rows.map(row => String(row['name']))
  return wanted.find(plugin => !active.includes(plugin.toLowerCase()))
}

export const shownPlugin = ({ plugin }: Pick<Account, 'plugin'>): string =>
  `the plugin ${/^\w{1,64}$/.test(plugin) ? plugin : '(unreadable)'}`

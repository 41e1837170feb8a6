import { BrokerError } from 'mayfly/plugin'
import { accountsSql, text, toAccounts } from '../users/accounts.ts'
import type { Account } from '../users/accounts.ts'
import type { Ending } from './ending.ts'
import { eventName } from '../create/event-name.ts'
import { quoteAccount, quoteLiterals } from '../server/quote.ts'
import type { Session } from '../server/session.ts'

/** What is there of the users, and whose it is. A user part is the identity and its hosts are read, because `drop user if exists` of another host says OK and drops nothing. */
export async function findOurs(session: Session, endings: readonly Ending[], ownWay: boolean, signal: AbortSignal): Promise<void> {
  const names = endings.map(({ user }) => user.name)
  const { kind } = session
  const events = `${kind.events} and ${kind.columns.eventName} in (${quoteLiterals(names.map(eventName))})`
  const [users = [], marked = [], state = []] = await session.run(
    `${accountsSql(session, names)};\n${events};\nselect @@global.read_only as readonly`,
    signal
  )
  // What a replica does not show may well be there.
  if (!['0', 'OFF'].includes(String(state[0]?.['readonly'])))
    throw new BrokerError('target_unreachable', 'no primary answers: the host is read-only')
  const accounts = toAccounts(users)
  const marks = new Map(marked.map(row => [text(row['name']), text(row['mark'])]))
  for (const ending of endings)
    judge(ending, accounts.get(ending.user.name) ?? [], marks.get(eventName(ending.user.name)), { marksUsers: kind.marksUsers, ownWay })
  if (kind.marksUsers) await findRenamed(session, endings, signal)
}

interface How {
  readonly marksUsers: boolean
  readonly ownWay: boolean
}

function judge(ending: Ending, accounts: readonly Account[], eventMark: string | undefined, how: How): void {
  if (accounts.length === 0) return
  const { user, hosts } = ending
  const isOurs = how.marksUsers
    ? accounts.every(({ mark }) => (mark ?? eventMark) === user.mark)
    : (eventMark ?? (hosts ? user.mark : undefined)) === user.mark
  if (!isOurs) return leave(ending, 'a user of that name is there, without our mark: not ours, left alone')
  const moved = hosts && accounts.some(({ host }) => !hosts.some(one => one.toLowerCase() === host.toLowerCase()))
  if (moved) return leave(ending, 'somebody gave the user another host: left alone, somebody has to look')
  ending.accounts = accounts.map(({ name, host }) => quoteAccount(name, host))
  // Our own way makes a user in one statement, and a template's user gets its mark after the last of its statements.
  ending.made ||= how.ownWay || accounts.every(({ mark }) => mark === user.mark)
}

/** A mark goes with its user. Looked for only where a user that was there is there no more. */
async function findRenamed(session: Session, endings: readonly Ending[], signal: AbortSignal): Promise<void> {
  const missing = endings.filter(({ accounts, hosts, failed }) => accounts.length === 0 && hosts && !failed)
  if (missing.length === 0) return
  const marks = quoteLiterals(missing.map(({ user }) => user.mark))
  const [rows = []] = await session.run(`select mark from (${session.kind.accounts}) users where mark in (${marks})`, signal)
  const found = new Set(rows.map(row => text(row['mark'])))
  for (const ending of missing) if (found.has(ending.user.mark)) leave(ending, 'the user was renamed: left alone, somebody has to look')
}

function leave(ending: Ending, why: string): void {
  ending.foreign = true
  ending.failed = new BrokerError('target_refused', why)
}

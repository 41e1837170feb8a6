import { text } from './accounts.ts'
import type { Account } from './accounts.ts'
import { eventName } from '../create/event-name.ts'
import { quoteLiteral } from '../server/quote.ts'
import type { Session } from '../server/session.ts'

/** Of any broker: what the user says itself, else what its event says. */
export async function markOf(
  session: Session,
  name: string,
  accounts: readonly Account[],
  signal: AbortSignal
): Promise<string | undefined> {
  const { events, columns } = session.kind
  const own = eventName(name)
  const [rows = []] = await session.run(`${events} and ${columns.eventName} = ${quoteLiteral(own)}`, signal)
  const marks = [...accounts.map(({ mark }) => mark), ...rows.filter(row => text(row['name']) === own).map(row => text(row['mark']))]
  return marks.find(mark => mark?.startsWith('mayfly:'))
}

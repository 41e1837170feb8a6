import type { ListedUser } from 'mayfly/plugin'
import { text, toAccounts } from './accounts.ts'
import type { Account } from './accounts.ts'
import { targetError } from '../server/errors.ts'
import { eventName, eventNameOf } from '../create/event-name.ts'
import { quoteLiteral, quoteLiterals } from '../server/quote.ts'
import { nowMs } from '../server/server-clock.ts'
import { expiryMargin } from '../server/server.ts'
import type { Server } from '../server/server.ts'
import type { Row, Session } from '../server/session.ts'

const pageSizeMax = 1_000

/** Whoever carries a mark, or has a name like ours. Page by page: no connection is held while the reader works. */
export async function* listUsers(server: Server, signal: AbortSignal): AsyncGenerator<ListedUser> {
  let after = ''
  for (;;) {
    const page = await readPage(server, after, signal)
    yield* page.users
    if (page.last === undefined) return
    after = page.last
  }
}

interface Page {
  readonly users: readonly ListedUser[]
  /** Absent: it was the last. */
  readonly last: string | undefined
}

async function readPage(server: Server, after: string, signal: AbortSignal): Promise<Page> {
  try {
    return await server.pool.use('issue', signal, async session => {
      const names = await namesAfter(server, session, after, signal)
      return { users: await usersNamed(server, session, names, signal), last: names.length < pageSizeMax ? undefined : names.at(-1) }
    })
  } catch (error) {
    throw targetError(error, 'target_unreachable', [server.settings.password])
  }
}

/** By name alone, so that no page ends between two hosts of one user. */
async function namesAfter(server: Server, session: Session, after: string, signal: AbortSignal): Promise<readonly string[]> {
  const { accounts, events, marksUsers } = session.kind
  const marked = marksUsers ? `mark like 'mayfly:%' or` : ''
  const saw = server.time.look()
  const [[time] = [], rows = []] = await session.run(
    `select ${nowMs} as now; select distinct name from (${accounts}) users
     where name > ${quoteLiteral(after)} and (${marked} name like 'v-%' or exists (select 1 from (${events}) ours where ours.name = ${eventNameOf('users.name')} and mark like 'mayfly:%'))
     order by name limit ${pageSizeMax}`,
    signal
  )
  saw(Number(time?.['now']))
  return rows.map(row => text(row['name']))
}

async function usersNamed(server: Server, session: Session, names: readonly string[], signal: AbortSignal): Promise<readonly ListedUser[]> {
  if (names.length === 0) return []
  const { accounts, events, columns } = session.kind
  const [users = [], marked = []] = await session.run(
    `${accounts} and User in (${quoteLiterals(names)}); ${events} and ${columns.eventName} in (${quoteLiterals(names.map(eventName))})`,
    signal
  )
  const found = toAccounts(users)
  const own = new Map(marked.map(row => [text(row['name']), row]))
  return names.flatMap(name => toListedUser(server, name, found.get(name) ?? [], own.get(eventName(name))))
}

/** Nothing for one that went between the two looks. */
function toListedUser(server: Server, name: string, accounts: readonly Account[], event: Row | undefined): readonly ListedUser[] {
  if (accounts.length === 0) return []
  const mark = accounts.find(one => one.mark !== undefined)?.mark ?? (event && text(event['mark']))
  const until = event && untilOf(server, text(event['until']))
  return [
    {
      name,
      enabled: accounts.some(({ locked }) => !locked),
      ...(mark && { mark, handle: { hosts: accounts.map(({ host }) => host), mark } }),
      ...(until && { until })
    }
  ]
}

/** What the server was told, in the broker's time. */
function untilOf({ time }: Server, told: string): Temporal.Instant | undefined {
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/.test(told)) return undefined
  return time.here(Temporal.Instant.from(`${told.slice(0, 19).replace(' ', () => 'T')}Z`)).subtract(expiryMargin)
}

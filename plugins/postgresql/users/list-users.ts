import { BrokerError } from 'mayfly/plugin'
import type { ListedUser } from 'mayfly/plugin'
import { targetError } from '../server/errors.ts'
import { quoteLiteral } from '../server/quote.ts'
import { nowMs } from '../server/server-clock.ts'
import { expiryMargin } from '../server/server.ts'
import type { Server } from '../server/server.ts'
import type { Row } from '../server/session.ts'

const pageSizeMax = 1_000

/** Whoever carries a mark, or has a name like ours. Page by page: no connection is held while the reader works. */
export async function* listUsers(server: Server, signal: AbortSignal): AsyncGenerator<ListedUser> {
  let after = ''
  for (;;) {
    const rows = await readPage(server, after, signal)
    for (const row of rows) yield toListedUser(server, row)
    if (rows.length < pageSizeMax) return
    after = String(rows.at(-1)?.['name'])
  }
}

async function readPage(server: Server, after: string, signal: AbortSignal): Promise<readonly Row[]> {
  const sql = `select ${nowMs} as now, pg_catalog.pg_is_in_recovery() as standby;
    select oid, name, mark, enabled, until from (
      select oid, rolname::pg_catalog.text as name, pg_catalog.shobj_description(oid, 'pg_authid') as mark, rolcanlogin as enabled,
        (case when pg_catalog.isfinite(rolvaliduntil) then extract(epoch from rolvaliduntil) * 1000 end)::pg_catalog.float8 as until
      from pg_catalog.pg_roles
    ) users
    where name > ${quoteLiteral(after)} collate "C" and (mark like 'mayfly:%' or name like 'v-%') order by name collate "C" limit ${pageSizeMax}`
  try {
    return await server.pool.use('issue', signal, async session => {
      const saw = server.time.look()
      const [time, users] = await session.run(sql, signal)
      saw(Number(time?.rows[0]?.['now']))
      // It shows who was there a while ago.
      if (time?.rows[0]?.['standby'] !== false) throw new BrokerError('target_unreachable', 'no primary answers: the host is a standby')
      return users?.rows ?? []
    })
  } catch (error) {
    throw targetError(error, 'target_unreachable', [server.settings.password])
  }
}

function toListedUser(server: Server, row: Row): ListedUser {
  const [mark, until] = [row['mark'], row['until']]
  return {
    name: String(row['name']),
    enabled: row['enabled'] !== false,
    handle: { oid: Number(row['oid']) },
    ...(typeof mark === 'string' && { mark }),
    ...(typeof until === 'number' && isMoment(until) && { until: told(server, until) })
  }
}

// A server's calendar reaches further than ours; before 1970 is `-infinity` by another name.
const isMoment = (milliseconds: number): boolean => milliseconds >= 0 && milliseconds <= 8e15

/** What the server was told, in the broker's time. */
function told(server: Server, milliseconds: number): Temporal.Instant {
  return server.time.here(Temporal.Instant.fromEpochMilliseconds(Math.round(milliseconds))).subtract(expiryMargin)
}

import { BrokerError } from 'mayfly/plugin'
import type { RenewUser } from 'mayfly/plugin'
import { notOurs, sqlState, targetError } from '../server/errors.ts'
import { oidOf } from '../users/oid.ts'
import { quoteIdentifier, quoteLiteral } from '../server/quote.ts'
import { underTheirPath } from '../server/search-path.ts'
import { timestamp } from '../server/server-clock.ts'
import { expiryMargin } from '../server/server.ts'
import type { Server } from '../server/server.ts'
import { changesSession, fillIn } from '../statements/statements.ts'

/** Moves the server's own expiry, of exactly this user, and only while it is enabled: a renewal that comes late must not wake what a revocation put down. */
export async function renewUser(server: Server, call: RenewUser, signal: AbortSignal): Promise<void> {
  const secrets = [server.settings.password]
  try {
    await server.pool.use('issue', signal, async session => {
      await session.run(renewal(server, call), signal)
      if (changesSession(call.statements)) session.retire()
    })
  } catch (error) {
    // Dropped between our look and the change; of an operator's statements it says that something else is not there.
    const dropped = sqlState(error) === '42704' && call.statements.length === 0
    if (sqlState(error) === notOurs || dropped) throw new BrokerError('target_refused', 'the user is gone or disabled')
    throw targetError(error, 'target_silent', secrets)
  }
}

function renewal(server: Server, call: RenewUser): string {
  const expiration = timestamp(server.time.there(call.until.add(expiryMargin)))
  const oid = oidOf(call.handle)
  const same = `select from pg_catalog.pg_roles where rolname = ${quoteLiteral(call.name)} and rolcanlogin${oid === undefined ? '' : ` and oid = ${oid}`}`
  return [
    'begin',
    `do $mf$ begin if not exists (${same}) then raise exception 'gone' using errcode = '${notOurs}'; end if; end $mf$`,
    ...underTheirPath(call.statements.map(statement => fillIn(statement, { name: call.name, expiration }))),
    `alter role ${quoteIdentifier(call.name)} valid until ${quoteLiteral(expiration)}`,
    'commit'
  ].join('\n;\n')
}

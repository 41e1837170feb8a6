import { BrokerError } from 'mayfly/plugin'
import type { RenewUser } from 'mayfly/plugin'
import { enterDatabase } from '../server/enter-database.ts'
import { errorNumber, isEventless, noSuchEvent, sqlState, targetError } from '../server/errors.ts'
import { hostsOf } from '../revoke/ending.ts'
import { createEvent, moveEvent } from './event.ts'
import { quoteLiteral } from '../server/quote.ts'
import { timestamp } from '../server/server-clock.ts'
import { expiryMargin } from '../server/server.ts'
import type { Server } from '../server/server.ts'
import type { Session } from '../server/session.ts'
import { changesSession, fillIn } from '../statements/statements.ts'

/** Moves the server's own expiry, and only of a user that is there and not locked: a renewal that comes late must not give time to what a revocation put down. */
export async function renewUser(server: Server, call: RenewUser, signal: AbortSignal): Promise<void> {
  let used: Session | undefined
  try {
    await server.pool.use('issue', signal, async session => {
      used = session
      if (call.statements.length > 0) await enterDatabase(server, session, signal)
      await session.run([onlyIfEnabled(session, call.name), ...operators(server, call)].join('\n;\n'), signal)
      await move(server, session, call, signal)
      if (changesSession(call.statements)) session.retire()
    })
  } catch (error) {
    const refused = used?.kind.refused
    if (refused !== undefined && (errorNumber(error) === refused || sqlState(error) === refused))
      throw new BrokerError('target_refused', 'the user is gone or locked')
    throw targetError(error, 'target_silent', [server.settings.password])
  }
}

function onlyIfEnabled({ kind }: Session, name: string): string {
  return kind.refuseIf(`not exists (select 1 from (${kind.accounts} and User = ${quoteLiteral(name)}) there where locked = 0)`)
}

function operators({ time }: Server, { statements, name, until }: RenewUser): readonly string[] {
  const expiration = timestamp(time.there(until.add(expiryMargin)))
  return statements.map(statement => fillIn(statement, { name, expiration }))
}

/** One that somebody dropped is made again, as long as its user is there. */
async function move(server: Server, session: Session, { name, until, handle }: RenewUser, signal: AbortSignal): Promise<void> {
  const guard = onlyIfEnabled(session, name)
  try {
    await session.run(`${guard};\n${moveEvent(server, name, until)}`, signal)
  } catch (error) {
    if (isEventless(error) && session.kind.marksUsers) return
    const [hosts, mark] = [hostsOf(handle), handle['mark']]
    if (errorNumber(error) !== noSuchEvent || !hosts || typeof mark !== 'string') throw error
    await session.run(`${guard};\n${createEvent(server, session.kind, { name, hosts, until, mark })}`, signal)
  }
}

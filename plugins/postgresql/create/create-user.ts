import { BrokerError } from 'mayfly/plugin'
import type { CreateUser } from 'mayfly/plugin'
import type { DatabaseError } from 'pg'
import { creation } from './creation.ts'
import { creationError } from './creation-error.ts'
import { deadlinePassed, isAnswer, refusalText, sqlState } from '../server/errors.ts'
import { prepare } from './making.ts'
import type { Making } from './making.ts'
import { quoteIdentifier, quoteLiteral } from '../server/quote.ts'
import type { Server } from '../server/server.ts'
import type { Result, Session } from '../server/session.ts'
import { changesSession } from '../statements/statements.ts'

/** Two round trips: everything up to the commit in one message, and the enabling statement alone and last. A broker that is paused between them finds the
 *  user swept, and makes no live orphan. */
export async function createUser(server: Server, call: CreateUser, signal: AbortSignal): Promise<{ readonly oid: number }> {
  const making = await prepare(server, call, signal)
  try {
    return await server.pool.use('issue', signal, async session => {
      const oid = await create(server, session, making, signal)
      await enable(session, making, signal)
      if (changesSession(call.statements)) session.retire()
      return { oid }
    })
  } catch (error) {
    throw creationError(error, making.secrets)
  }
}

async function create(server: Server, session: Session, { call, inStatements }: Making, signal: AbortSignal): Promise<number> {
  const saw = server.time.look()
  const results = await session.run(creation(server.time, session.version, call, inStatements), signal).catch((error: unknown) => {
    // The broker slept, or its idea of the server's clock is old: then this issue fails and the next does not.
    if (sqlState(error) === deadlinePassed) saw(Number((error as DatabaseError).detail))
    throw error
  })
  const made = lastNamed(results, 'oid')
  if (results.at(-1)?.command !== 'COMMIT' || typeof made?.['oid'] !== 'number') throw new Error('the server did not commit')
  saw(Number(made['now']))
  return made['oid']
}

/** Touches neither `VALID UNTIL` nor the connection limit: should it slip in between a revocation's disable and drop, those still refuse the login. */
async function enable(session: Session, { call, inStatements, verifier, secrets }: Making, signal: AbortSignal): Promise<void> {
  try {
    const password = inStatements === undefined ? ` password ${quoteLiteral(await verifier)}` : ''
    await session.run(`alter role ${quoteIdentifier(call.name)} login${password}`, signal)
  } catch (error) {
    // The user is there, disabled. Refused, or unreachable, would say that nothing was made.
    if (error instanceof BrokerError)
      throw new BrokerError('target_silent', `the user was made but not enabled: ${error.message}`, { cause: error })
    if (!isAnswer(error) || sqlState(error) === '42704') throw error
    throw new BrokerError('target_silent', `the user was made but not enabled: ${refusalText(error as DatabaseError, secrets)}`)
  }
}

function lastNamed(results: readonly Result[], column: string) {
  return results.findLast(result => result.rows[0] && Object.hasOwn(result.rows[0], column))?.rows[0]
}

import { BrokerError } from 'mayfly/plugin'
import type { CreateUser } from 'mayfly/plugin'
import { deadlinePassed, isAnswer, notEndable, refusalText, sqlState, targetError } from './errors.ts'
import type { DatabaseError } from 'pg'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { scramVerifier } from './scram.ts'
import { nowMs, timestamp } from './server-clock.ts'
import { expiryMargin } from './server.ts'
import type { Server } from './server.ts'
import type { Result, Session } from './session.ts'
import { changesSession, fillIn, uses } from './statements.ts'

/** Two round trips: everything up to the commit in one message, and the enabling statement alone and last. A broker that is paused between them finds the
 *  user swept, and makes no live orphan. */
export async function createUser(server: Server, call: CreateUser, signal: AbortSignal): Promise<{ readonly oid: number }> {
  const verifier = await scramVerifier(call.password.reveal(), server.random)
  const secrets = [server.settings.password, call.password.reveal(), verifier]
  try {
    return await server.pool.use('issue', signal, async session => {
      const oid = await create(server, session, call, verifier, signal)
      await enable(session, call, verifier, signal, secrets)
      if (changesSession(call.statements)) session.retire()
      return { oid }
    })
  } catch (error) {
    throw explained(error, secrets)
  }
}

async function create(server: Server, session: Session, call: CreateUser, verifier: string, signal: AbortSignal): Promise<number> {
  const saw = server.time.look()
  const results = await session.run(creation(server, session.version, call, verifier), signal).catch((error: unknown) => {
    // The broker slept, or its idea of the server's clock is old: then this issue fails and the next does not.
    if (sqlState(error) === deadlinePassed) saw(Number((error as DatabaseError).detail))
    throw error
  })
  const made = lastNamed(results, 'oid')
  if (results.at(-1)?.command !== 'COMMIT' || typeof made?.['oid'] !== 'number')
    throw new Error('the server did not commit what it was sent')
  saw(Number(made['now']))
  return made['oid']
}

/** Touches neither `VALID UNTIL` nor the connection limit: should it slip in between a revocation's disable and drop, those still refuse the login. */
async function enable(
  session: Session,
  call: CreateUser,
  verifier: string,
  signal: AbortSignal,
  secrets: readonly string[]
): Promise<void> {
  // The server runs SCRAM once per PASSWORD, 2 to 3 ms: only where the statements have not set it.
  const password = uses(call.statements, 'password') ? '' : ` password ${quoteLiteral(verifier)}`
  try {
    await session.run(`alter role ${quoteIdentifier(call.name)} login${password}`, signal)
  } catch (error) {
    // The user is there, disabled. Refused would say that nothing was made.
    if (!isAnswer(error) || sqlState(error) === '42704') throw error
    throw new BrokerError('target_silent', `the user was made but not enabled: ${refusalText(error as DatabaseError, secrets)}`)
  }
}

function creation(server: Server, version: number, call: CreateUser, verifier: string): string {
  const name = quoteIdentifier(call.name)
  const createBy = quoteLiteral(server.time.there(call.createBy).toString({ fractionalSecondDigits: 3 }))
  const expiration = timestamp(server.time.there(call.until.add(expiryMargin)))
  const password = server.settings.plainPasswords ? call.password.reveal() : verifier
  const written = call.statements.map(statement => fillIn(statement, { name: call.name, password, expiration }))
  const limit = call.connectionLimit === undefined ? '' : ` connection limit ${Math.trunc(call.connectionLimit)}`
  const options = `nologin${limit} valid until ${quoteLiteral(expiration)}`
  const attributes = 'nosuperuser nocreatedb nocreaterole noreplication nobypassrls'
  // A transaction that was ended by what it ran is known by the setting that went with it. No other statement can tell.
  const same = `pg_catalog.current_setting('mayfly.issue', true) is not distinct from ${quoteLiteral(call.mark)}`
  return [
    'begin',
    block(guard(createBy)),
    ...(written.length === 0
      ? [`create role ${name} ${attributes} ${options}`]
      : [`set local mayfly.issue = ${quoteLiteral(call.mark)}`, ...written]),
    ...call.memberOf.map(group => grant(version, group, name)),
    ...(written.length === 0 ? [] : [`alter role ${name} ${options}`]),
    `comment on role ${name} is ${quoteLiteral(call.mark)}`,
    // Again at the end: what waited for a lock must not take effect after its time.
    block(guard(createBy) + endable(call.name, version, written.length === 0 ? 'true' : same)),
    `select oid, ${nowMs} as now from pg_catalog.pg_roles where rolname = ${quoteLiteral(call.name)}`,
    'commit'
  ].join(between)
}

// A statement may end in a comment.
const between = '\n;\n'

/** On the server's clock, in the server's transaction: when it fires nothing was made. */
const guard = (createBy: string): string =>
  `if pg_catalog.clock_timestamp() > timestamptz ${createBy} then raise exception 'issuance deadline passed' using errcode = '${deadlinePassed}', detail = ${nowMs}::text; end if;`

/** Who cannot end a user must not make it. Asked for the session's own account, which will do the revocation. */
function endable(name: string, version: number, same: string): string {
  const admin = version >= 16 ? ` and pg_catalog.pg_has_role(session_user, oid, 'member with admin option')` : ''
  const found = `exists (select from pg_catalog.pg_roles where rolname = ${quoteLiteral(name)}${admin})`
  return `if not (${same} and ${found}) then raise exception 'not ours to end' using errcode = '${notEndable}'; end if;`
}

function block(body: string): string {
  const tag = body.includes('$mf$') ? '$mayfly$' : '$mf$'
  if (body.includes('$mayfly$')) throw new Error('a name holds a tag of ours')
  return `do ${tag} begin ${body} end ${tag}`
}

/** With `set false` the user has the group's rights, and cannot become it. */
function grant(version: number, group: string, name: string): string {
  return `grant ${quoteIdentifier(group)} to ${name}${version >= 16 ? ' with inherit true, set false' : ''}`
}

function lastNamed(results: readonly Result[], column: string) {
  return results.findLast(result => result.rows[0] && Object.hasOwn(result.rows[0], column))?.rows[0]
}

function explained(error: unknown, secrets: readonly string[]): BrokerError {
  const state = sqlState(error)
  if (state === deadlinePassed) return new BrokerError('target_refused', "the issuance deadline has passed on the server's clock")
  if (state === notEndable)
    return new BrokerError(
      'target_refused',
      'the statements left no user of that name that the admin account may end, or ended the transaction they ran in'
    )
  return targetError(error, 'target_silent', secrets)
}

import { BrokerError } from 'mayfly/plugin'
import type { CreateUser, JsonObject } from 'mayfly/plugin'
import { readAccounts } from '../users/accounts.ts'
import { enterDatabase } from '../server/enter-database.ts'
import { errorNumber, isAnswer, isEventless, refusalText, sqlState, targetError } from '../server/errors.ts'
import { alterBody, createEvent } from './event.ts'
import { attribute } from '../server/mysql.ts'
import { quoteAccount, quoteLiteral } from '../server/quote.ts'
import { nowMs, timestamp } from '../server/server-clock.ts'
import { expiryMargin } from '../server/server.ts'
import type { Server } from '../server/server.ts'
import type { Session } from '../server/session.ts'
import { changesSession, fillIn } from '../statements/statements.ts'
import { shownPlugin } from '../hash/unhashable.ts'

// A statement may end in a comment.
const between = '\n;\n'

/** DDL has no transactions here, so order takes their place: the user's own end first, then the user, locked, and the statement that lets it in alone and last. Each message begins with a look
 *  at the server's clock. A broker that is paused in between finds the user swept, and makes no live orphan. */
export async function createUser(server: Server, call: CreateUser, signal: AbortSignal): Promise<JsonObject> {
  const password = call.password.reveal()
  const secrets = [server.settings.password, password]
  let session: Session | undefined
  try {
    return await server.pool.use('issue', signal, async opened => {
      session = opened
      const making: Making = { server, session, call, password, secrets, signal }
      const made = call.statements.length === 0 ? await makeOurs(making) : await makeTheirs(making)
      await enable(making, made)
      if (changesSession(call.statements)) session.retire()
      return { hosts: made.map(({ host }) => host), mark: call.mark }
    })
  } catch (error) {
    throw explained(error, session, secrets)
  }
}

interface Making {
  readonly server: Server
  readonly session: Session
  readonly call: CreateUser
  readonly password: string
  readonly secrets: readonly string[]
  readonly signal: AbortSignal
}

/** A user that is there, locked, and what lets it in. */
interface Made {
  readonly host: string
  readonly identified: string
}

const hostOf = ({ host }: CreateUser): string => host ?? '%'

async function makeOurs(making: Making): Promise<readonly Made[]> {
  const { server, session, call, password, signal } = making
  const { kind } = session
  if (call.memberOf.length > kind.defaultRolesMax)
    throw refused(`member_of: a user of ${kind.name} has ${kind.defaultRolesMax} role at login: name one that has the others`)
  const [host, identified] = [hostOf(call), await kind.identified(password, server.random, signal)]
  const user = {
    account: quoteAccount(call.name, host),
    identified,
    mark: call.mark,
    roles: call.memberOf
  }
  await runFirst(making, kind.createUser(user))
  return [{ host, identified }]
}

/** The operator's own statements get a password that nobody knows, and what they made is locked in the message of the last. */
async function makeTheirs(making: Making): Promise<readonly Made[]> {
  const { server, session, call, signal } = making
  const throwaway = Buffer.from(server.random.bytes(18)).toString('base64url')
  const expiration = timestamp(server.time.there(call.until.add(expiryMargin)))
  const written = call.statements.map(statement => fillIn(statement, { name: call.name, password: `Mf-1${throwaway}`, expiration }))
  const lock = `alter user if exists ${quoteAccount(call.name, hostOf(call))} account lock${markOf(session, call)}`
  const messages = written.map((statement, at) => (at === written.length - 1 ? [statement, lock] : [statement]))
  await enterDatabase(server, session, signal)
  await runFirst(making, messages[0]!)
  for (const message of messages.slice(1)) await session.run([deadline(making), ...message].join(between), signal)
  return await madeByThem(making)
}

/** A name that is there already is somebody's: never adopted. The event says whose the user is from the first moment on. */
async function runFirst(making: Making, statements: readonly string[]): Promise<void> {
  const { server, session, call, signal } = making
  const { kind } = session
  const taken = kind.refuseIf(`exists (select 1 from mysql.user where User = ${quoteLiteral(call.name)})`)
  const event = createEvent(server, kind, { name: call.name, hosts: [hostOf(call)], until: call.until, mark: call.mark })
  const without = server.seen.eventless === true && kind.marksUsers
  const promised = server.seen.scheduled === true && !without
  const guards = [deadline(making), taken, ...(promised ? [kind.refuseIf(`@@global.event_scheduler <> 'ON'`)] : [])]
  try {
    await session.run([...guards, ...(without ? [] : [event]), ...statements].join(between), signal)
  } catch (error) {
    if (promised && isRaised(error, kind.refused) && !(await isScheduled(session, signal)))
      throw refused(`event_scheduler is off, and ${toldToDie}: ask again for one that does not`)
    if (!isEventless(error)) throw error
    const why = kind.marksUsers ? toldToDie : 'a user of MariaDB is marked as ours by its event alone'
    throw refused(`the account needs the schema mayfly, and EVENT on it: ${why}`)
  }
}

async function isScheduled(session: Session, signal: AbortSignal): Promise<boolean> {
  const [rows = []] = await session.run('select @@global.event_scheduler as state', signal)
  return rows[0]?.['state'] === 'ON'
}

// The next check finds that it does not, and its users are made and told of without.
const toldToDie = 'when the server was last looked at its users died by themselves'

/** What the statements made, read back: it may have other hosts than was thought, another plugin, and one that we have no hash for. */
async function madeByThem({ server, session, call, password, signal }: Making): Promise<readonly Made[]> {
  const made = (await readAccounts(session, [call.name], signal)).get(call.name) ?? []
  if (made.length === 0) throw refused('the statements left no user of that name')
  const foreign = made.find(({ plugin }) => !session.kind.plugins.includes(plugin))
  if (foreign) throw refused(`the statements gave it ${shownPlugin(foreign)}, for which no hash can be made`)
  const hosts = made.map(({ host }) => host)
  if ((hosts.length > 1 || hosts[0] !== hostOf(call)) && !server.seen.eventless)
    await session.run(alterBody(session.kind, { name: call.name, hosts }), signal)
  return await Promise.all(
    made.map(async ({ host, plugin }) => ({ host, identified: await session.kind.identified(password, server.random, signal, plugin) }))
  )
}

/** On a user that is gone meanwhile it fails, and makes none. */
async function enable({ server, session, call, secrets, signal }: Making, made: readonly Made[]): Promise<void> {
  const accounts = made.map(({ host, identified }) => `${quoteAccount(call.name, host)} ${identified}`).join(', ')
  const limit = call.connectionLimit === undefined ? '' : ` with max_user_connections ${Math.trunc(call.connectionLimit)}`
  const change = `alter user ${accounts}${limit} account unlock${markOf(session, call)}`
  const saw = server.time.look()
  try {
    const results = await session.run([deadline({ server, session, call }), change, `select ${nowMs} as now`].join(between), signal)
    saw(Number(results.at(-1)?.[0]?.['now']))
  } catch (error) {
    // The user is there, locked. Refused would say that nothing was made.
    if (!isAnswer(error)) throw error
    throw new BrokerError('target_silent', `the user was made but not enabled: ${refusalText(error, secrets)}`)
  }
}

/** Nor is anything made once its event is due: the server drops an event that comes late, without a word. */
function deadline({ server, session, call }: Pick<Making, 'server' | 'session' | 'call'>): string {
  const due = call.until.add(expiryMargin)
  const last = Temporal.Instant.compare(due, call.createBy) < 0 ? due : call.createBy
  return session.kind.deadline(quoteLiteral(timestamp(server.time.there(last))))
}

const markOf = ({ kind }: Session, { mark }: CreateUser): string => (kind.marksUsers ? ` ${attribute(mark)}` : '')

function explained(error: unknown, session: Session | undefined, secrets: readonly string[]): BrokerError {
  const kind = session?.kind
  if (kind && isRaised(error, kind.tooLate)) return refused("the issuance deadline has passed on the server's clock")
  if (kind && isRaised(error, kind.refused)) return refused('the name is taken')
  return targetError(error, 'target_silent', secrets)
}

const isRaised = (error: unknown, code: number | string): boolean => errorNumber(error) === code || sqlState(error) === code

const refused = (why: string) => new BrokerError('target_refused', why)

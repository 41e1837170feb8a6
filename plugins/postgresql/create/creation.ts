import type { CreateUser } from 'mayfly/plugin'
import { deadlinePassed, noHeir, notEndable } from '../server/errors.ts'
import { quoteIdentifier, quoteLiteral } from '../server/quote.ts'
import { underTheirPath } from '../server/search-path.ts'
import { nowMs, timestamp } from '../server/server-clock.ts'
import type { ServerClock } from '../../database/driver/server-clock.ts'
import { expiryMargin } from '../server/server.ts'
import { fillIn } from '../statements/statements.ts'

// A statement may end in a comment.
const between = '\n;\n'
const ownAttributes = 'nosuperuser nocreatedb nocreaterole noreplication nobypassrls'

/** All of it in one message and one transaction: a deadline on the server's own clock, a user that cannot log in yet, its expiry, our mark. */
export function creation(time: ServerClock, version: number, call: CreateUser, password: string | undefined): string {
  return [making(time, version, call, password), 'commit'].join(between)
}

/** The same, and taken back. `look`: what is asked meanwhile. */
export function rehearsal(time: ServerClock, version: number, call: CreateUser, password: string | undefined, look: string): string {
  return [making(time, version, call, password), look, 'rollback'].join(between)
}

/** Up to the end of the transaction. */
function making(time: ServerClock, version: number, call: CreateUser, password: string | undefined): string {
  const name = quoteIdentifier(call.name)
  const createBy = quoteLiteral(time.there(call.createBy).toString({ fractionalSecondDigits: 3 }))
  const expiration = timestamp(time.there(call.until.add(expiryMargin)))
  const limit = call.connectionLimit === undefined ? '' : ` connection limit ${Math.trunc(call.connectionLimit)}`
  const options = `nologin${limit} valid until ${quoteLiteral(expiration)}`
  const isOurs = call.statements.length === 0
  return [
    'begin',
    block(deadline(createBy) + hasHeir(call.owned, version) + (isOurs ? '' : nameIsFree(call.name))),
    ...(isOurs
      ? [`create role ${name} ${ownAttributes} ${options}`]
      : [...operators(call, password, expiration), `alter role ${name} ${options}`, block(isOursToEnd(call.name, version, call.mark))]),
    `comment on role ${name} is ${quoteLiteral(call.mark)}`,
    // The group is locked from here to the commit, and the next issue of it waits: late, and nothing slow after it. Nor before it: since 16 the server
    // looks through all users of the admin account for each statement that follows a change of memberships (7 ms with 4,000 users).
    ...call.memberOf.map(group => grant(version, group, name)),
    // Again at the end: what waited for a lock must not take effect after its time.
    block(deadline(createBy)),
    `select oid, ${nowMs} as now from pg_catalog.pg_roles where rolname = ${quoteLiteral(call.name)}`
  ].join(between)
}

/** Whole, never split. A setting of this transaction goes before them: no statement can keep it over an end of the transaction. */
function operators(call: CreateUser, password: string | undefined, expiration: string): readonly string[] {
  const values = { name: call.name, expiration, ...(password !== undefined && { password }) }
  return [
    `set local mayfly.issue = ${quoteLiteral(call.mark)}`,
    ...underTheirPath(call.statements.map(statement => fillIn(statement, values)))
  ]
}

/** On the server's clock, in the server's transaction: when it fires nothing was made. The detail tells what that clock says. */
const deadline = (createBy: string): string =>
  unless(`pg_catalog.clock_timestamp() <= timestamptz ${createBy}`, deadlinePassed, `${nowMs}::pg_catalog.text`)

/** A user that is there already is somebody's: never adopted, not even by statements that would not mind. */
const nameIsFree = (name: string): string =>
  unless(`not exists (select from pg_catalog.pg_roles where rolname = ${quoteLiteral(name)})`, '42710', "'the name is taken'")

/** What could not be reassigned when the user ends must not come to be. Since 16 some kinds of objects are given only to a role that one may become. */
function hasHeir(owned: CreateUser['owned'], version: number): string {
  if (owned?.policy !== 'reassign') return ''
  const may = ['usage', ...(version >= 16 ? ['set'] : [])]
    .map(right => ` and pg_catalog.pg_has_role(session_user, oid, '${right}')`)
    .join('')
  return unless(`exists (select from pg_catalog.pg_roles where rolname = ${quoteLiteral(owned.to)}${may})`, noHeir, "'no heir'")
}

/** Who cannot end a user must not make it: asked for the session's own account, which will do the revocation. What we create ourselves is ours. */
function isOursToEnd(name: string, version: number, mark: string): string {
  const admin = version >= 16 ? ` and pg_catalog.pg_has_role(session_user, oid, 'member with admin option')` : ''
  const same = `pg_catalog.current_setting('mayfly.issue', true) is not distinct from ${quoteLiteral(mark)}`
  return (
    unless(`exists (select from pg_catalog.pg_roles where rolname = ${quoteLiteral(name)}${admin})`, notEndable, "'no admin option'") +
    unless(same, notEndable, "'another transaction'")
  )
}

const unless = (condition: string, state: string, detail: string): string =>
  `if not (${condition}) then raise exception 'refused by mayfly' using errcode = '${state}', detail = ${detail}; end if; `

function block(body: string): string {
  const tag = ['$mf$', '$mayfly$'].find(one => !body.includes(one))
  if (!tag) throw new Error('a name holds the tags of our blocks')
  return `do ${tag} begin ${body}end ${tag}`
}

/** With `set false` the user has the group's rights, and cannot become it. */
function grant(version: number, group: string, name: string): string {
  return `grant ${quoteIdentifier(group)} to ${name}${version >= 16 ? ' with inherit true, set false' : ''}`
}

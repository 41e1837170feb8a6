import { BrokerError } from 'mayfly/plugin'
import type { SetPassword } from 'mayfly/plugin'
import { isAnswer, notOurs, sqlState, targetError } from '../server/errors.ts'
import { quoteIdentifier, quoteLiteral } from '../server/quote.ts'
import { scramVerifier } from './scram.ts'
import { underTheirPath } from '../server/search-path.ts'
import type { Server } from '../server/server.ts'
import { changesSession, fillIn } from '../statements/statements.ts'

/** Another password for a user that is there, in one message and one transaction: the same again changes nothing. */
export async function setPassword(server: Server, call: SetPassword, signal: AbortSignal): Promise<void> {
  const password = call.password.reveal()
  const sent = server.settings.plainPasswords ? password : await scramVerifier(password, server.random, signal)
  try {
    await server.pool.use('issue', signal, async session => {
      const results = await session.run(change(call, sent), signal)
      if (results.at(-1)?.command !== 'COMMIT') throw new Error('the server did not commit')
      if (changesSession(call.statements)) session.retire()
    })
  } catch (error) {
    if (isAnswer(error) && sqlState(error) === notOurs)
      throw new BrokerError('target_refused', `the server has no user "${call.name}" that is there for more than a lease`)
    throw targetError(error, 'target_silent', [server.settings.password, password, sent])
  }
}

function change(call: SetPassword, password: string): string {
  const values = { name: call.name, password }
  const written =
    call.statements.length > 0
      ? underTheirPath(call.statements.map(statement => fillIn(statement, values)))
      : [`alter role ${quoteIdentifier(call.name)} with password ${quoteLiteral(password)}`]
  return ['begin', onlyIfThere(call.name), ...written, 'commit'].join('\n;\n')
}

/** A statement of the operator's may make the user, and a user with a mark is a lease's. */
function onlyIfThere(name: string): string {
  const found = `select from pg_catalog.pg_roles where rolname = ${quoteLiteral(name)}
    and coalesce(pg_catalog.shobj_description(oid, 'pg_authid'), '') not like 'mayfly:%'`
  const body = `begin if not exists (${found}) then raise exception 'refused by mayfly' using errcode = '${notOurs}'; end if; end`
  const tag = ['$mf$', '$mayfly$'].find(one => !body.includes(one))
  if (!tag) throw new BrokerError('invalid_request', 'username: it holds the tags of our blocks')
  return `do ${tag} ${body} ${tag}`
}

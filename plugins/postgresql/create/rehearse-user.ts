import type { CreateUser, EffectiveRights, RightsAsked } from 'mayfly/plugin'
import { rehearsal } from './creation.ts'
import { creationError } from './creation-error.ts'
import { toRights } from '../rights/effective-rights.ts'
import { prepare } from './making.ts'
import { rightsQuery } from '../rights/rights-query.ts'
import type { Server } from '../server/server.ts'
import { changesSession } from '../statements/statements.ts'

// The group is locked meanwhile, and who issues for it waits.
const lookMsMax = 1_500

/** One message, which ends in a rollback: no answer of ours is waited for while anything is locked. */
export async function rehearseUser(server: Server, call: CreateUser & RightsAsked, signal: AbortSignal): Promise<EffectiveRights> {
  const making = await prepare(server, call, signal)
  try {
    return await server.pool.use('issue', signal, async session => {
      const look = `set local statement_timeout = ${lookMsMax};\n${rightsQuery(call.name, session.version)}`
      const results = await session.run(rehearsal(server.time, session.version, call, making.inStatements, look), signal)
      if (changesSession(call.statements)) session.retire()
      return toRights(results, call)
    })
  } catch (error) {
    // Whatever became of the message, its transaction is over without a commit.
    throw creationError(error, making.secrets, 'target_unreachable')
  }
}

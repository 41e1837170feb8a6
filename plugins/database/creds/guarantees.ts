import { BrokerError } from 'mayfly/plugin'
import type { DatabaseCheck, Guarantees } from 'mayfly/plugin'
import type { ConnectionConfig } from '../connection/connection-config.ts'
import type { Engine } from '../engine.ts'
import type { Role } from '../role/role.ts'

/** What a credential of this connection is worth now. The server is looked at again when the last look is old; a server that does not answer is taken as it was found last:
 *  whether it gives a credential, the attempt tells. */
export async function checkOf(engine: Engine, config: ConnectionConfig): Promise<DatabaseCheck> {
  using held = await engine.databases.hold(config.target)
  return await held.check.get(config.check ?? undefined)
}

/** Revoked means out: a user whose sessions nobody could end is made only where the role says that this is known. */
export function refuseOpenSessions(guarantees: Guarantees, role: Role): void {
  if (guarantees.endsSessions || role.acceptOpenSessions === true) return
  throw new BrokerError(
    'invalid_request',
    `connection "${role.dbName}" cannot end sessions, see its check: give its account the right, or set accept_open_sessions on the role`
  )
}

import { BrokerError } from 'mayfly/plugin'
import type { DatabaseDriver, MountReader } from 'mayfly/plugin'
import { readConfig } from './connection-config.ts'
import type { ConnectionConfig } from './connection-config.ts'
import { driverNamed } from '../engine.ts'
import type { Engine } from '../engine.ts'
import { matchesGlob } from './glob.ts'

/** The connection over which a role of this name may get a password, new or rotated. */
export async function usableConnection(
  engine: Engine,
  storage: MountReader,
  dbName: string,
  roleName: string
): Promise<{ config: ConnectionConfig; driver: DatabaseDriver }> {
  const stored = await readConfig(storage, dbName)
  // A fault, as on the wire: the caller cannot mend it, and a role may be written before its connection, so a repeat makes sense.
  if (!stored) throw new BrokerError('target_unreachable', `failed to find entry for connection with name: "${dbName}"`)
  const { config } = stored
  refuseUnlessAllowed(config, roleName)
  const driver = driverNamed(engine.context, config.driver)
  refuseLooserTls(engine, driver, config)
  return { config, driver }
}

function refuseUnlessAllowed(config: ConnectionConfig, roleName: string): void {
  if (config.allowedRoles.some(pattern => matchesGlob(pattern, roleName))) return
  throw new BrokerError('permission_denied', `"${roleName}" is not an allowed role`)
}

/** An operator who asks for verified TLS now gets no new credential over a connection from before. Ending the old ones stays possible. */
function refuseLooserTls({ context }: Engine, driver: DatabaseDriver, config: ConnectionConfig): void {
  if (context.targetTls === 'verified' && config.tls !== 'verified') driver.connection(config.fields, { tls: 'verified' })
}

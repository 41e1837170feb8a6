import { BrokerError } from 'mayfly/plugin'
import type { BackendContext, DatabaseDriver } from 'mayfly/plugin'
import type { Databases } from './connection/databases.ts'
import type { RootChanges } from './root/root-changes.ts'
import type { Takings } from './root/takings.ts'

/** What every path and the credential work with: the mount's context, and the servers it has open. */
export interface Engine {
  readonly context: BackendContext
  readonly databases: Databases
  readonly takings: Takings
  readonly rootChanges: RootChanges
  /** The engines of the broker's other mounts. */
  neighbours(): readonly Engine[]
}

/** By the name that clients of the wire send (`postgresql-database-plugin`), or a third party's driver by its own. */
export function driverAskedFor(context: BackendContext, pluginName: string): DatabaseDriver | undefined {
  return context.databaseDrivers.find(driver => driver.pluginNames.includes(pluginName) || driver.name === pluginName)
}

/** By the name that stored rows keep. */
export function driverNamed(context: BackendContext, name: string): DatabaseDriver {
  const driver = context.databaseDrivers.find(driver => driver.name === name)
  if (!driver) throw new BrokerError('integrity', `the database driver ${name} is not loaded, and a connection needs it`)
  return driver
}

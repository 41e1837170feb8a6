/** PostgreSQL 13 and newer. Every user is made disabled and enabled last, carries its own expiry, and is ended by OID: disabled, its sessions ended, dropped,
 *  and proven gone. */
import type { DatabaseDriver, Plugin } from 'mayfly/plugin'
import { commands } from './commands.ts'
import { readConnection } from './server/connection.ts'
import { openDatabase } from './database.ts'
import { connectionFields } from './server/fields.ts'
import { readStatements } from './statements/statements.ts'

export const postgresql: DatabaseDriver = {
  name: 'postgresql',
  pluginNames: ['postgresql-database-plugin', 'postgresql'],
  // NAMEDATALEN - 1. A longer name is cut, with a notice that nobody reads.
  usernameBytesMax: 63,
  usernamePartBytes: 8,
  ownedObjects: ['keep', 'drop', 'reassign'],
  fields: connectionFields,
  connection: readConnection,
  statements: readStatements,
  open: openDatabase
}

export const plugin: Plugin = { name: 'postgresql', databaseDrivers: [postgresql], commands }

/** MySQL 8.0.22 and newer, MariaDB 10.6 and newer. Their DDL has no transactions: a user is made locked and let in last, its end is an event of the server's own, and it is ended with every host
 *  that it has: locked, its sessions ended, dropped, and proven gone. */
import type { DatabaseDriver, Plugin } from 'mayfly/plugin'
import { commands } from './commands.ts'
import { readConnection } from './server/connection.ts'
import { openDatabase } from './database.ts'
import { connectionFields } from './server/fields.ts'
import { kindOf } from './server/server-kind.ts'
import { readStatements } from './statements/statements.ts'

export const mysql: DatabaseDriver = {
  name: 'mysql',
  pluginNames: [
    'mysql-database-plugin',
    'mysql-aurora-database-plugin',
    'mysql-rds-database-plugin',
    'mysql-legacy-database-plugin',
    'mysql',
    'mariadb'
  ],
  usernameBytesMax: 32,
  usernameBytesMaxOf: version => kindOf(version).usernameBytesMax,
  usernamePartBytes: 10,
  hosts: true,
  fields: connectionFields,
  connection: readConnection,
  statements: readStatements,
  open: openDatabase
}

export const plugin: Plugin = { name: 'mysql', databaseDrivers: [mysql], commands }

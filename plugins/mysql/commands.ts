import type { PluginCommand } from 'mayfly/plugin'
import { mysqlShell } from './shell/mysql-shell.ts'

/** Apart from the driver, so that the command line need not load a client library for them. */
export const commands: readonly PluginCommand[] = [mysqlShell]

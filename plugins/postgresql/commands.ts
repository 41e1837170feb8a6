import type { PluginCommand } from 'mayfly/plugin'
import { psql } from './shell/psql.ts'

/** Apart from the driver, so that the command line need not load a client library for them. */
export const commands: readonly PluginCommand[] = [psql]

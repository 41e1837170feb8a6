import type { PluginCommand } from 'mayfly/plugin'
import { databaseCheck } from './check/check-command.ts'

/** Apart from the engine, so that the command line need not load it for them. */
export const commands: readonly PluginCommand[] = [databaseCheck]

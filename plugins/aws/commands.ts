import type { PluginCommand } from 'mayfly/plugin'
import { awsConsole } from './commands/aws-console.ts'
import { aws } from './commands/aws.ts'

/** Apart from the engine, so that the command line need not load the clients of AWS for them. */
export const commands: readonly PluginCommand[] = [aws, awsConsole]

import type { PluginCommand } from 'mayfly/plugin'
import { awsCheck } from './commands/aws-check.ts'
import { awsConsole } from './commands/aws-console.ts'
import { awsPolicy } from './commands/aws-policy.ts'
import { aws } from './commands/aws.ts'

/** Apart from the engine, so that the command line need not load the clients of AWS for them. */
export const commands: readonly PluginCommand[] = [aws, awsConsole, awsCheck, awsPolicy]

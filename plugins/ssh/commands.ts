import type { PluginCommand } from 'mayfly/plugin'
import { sshCommand } from './engineer/commands/ssh.ts'
import { enrollCommand } from './hosts/commands/enroll.ts'
import { unenrollCommand } from './hosts/commands/unenroll.ts'

/** Apart from the engine, so that the command line need not load it for them. */
export const commands: readonly PluginCommand[] = [sshCommand, enrollCommand, unenrollCommand]

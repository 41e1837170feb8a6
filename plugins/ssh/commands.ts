import type { PluginCommand } from 'mayfly/plugin'
import { sshAgentCommand } from './engineer/commands/ssh-agent.ts'
import { sshCertificateCommand } from './engineer/commands/ssh-certificate.ts'
import { sshLogoutCommand } from './engineer/commands/ssh-logout.ts'
import { sshLsCommand } from './engineer/commands/ssh-ls.ts'
import { sshSetupCommand } from './engineer/commands/ssh-setup.ts'
import { sshCommand } from './engineer/commands/ssh.ts'
import { enrollCommand } from './hosts/commands/enroll.ts'
import { unenrollCommand } from './hosts/commands/unenroll.ts'

/** Apart from the engine, so that the command line need not load it for them. */
export const commands: readonly PluginCommand[] = [
  sshCommand,
  sshLsCommand,
  sshLogoutCommand,
  sshSetupCommand,
  sshAgentCommand,
  sshCertificateCommand,
  enrollCommand,
  unenrollCommand
]

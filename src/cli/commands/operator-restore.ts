import type { BackupHeader } from '../../backup/header.ts'
import type { CliCommand } from '../cli-command.ts'
import { UsageError } from '../usage-error.ts'

export type Restore = (
  options: { readonly file: string; readonly config: string; readonly check: boolean },
  askShares: () => Promise<string>
) => Promise<BackupHeader>

/** Offline, beside the server: it reads its configuration and its seal. */
export function restoreCommand(restore: Restore): CliCommand {
  return {
    name: 'operator restore',
    summary: 'make a store of a backup, in the empty data folder of a server that does not run',
    takes: { '<file>': 'the backup' },
    options: {
      '--config <file>': 'the configuration of the server: where the store belongs, and what unseals it',
      '--check': 'only open every part of the backup, and write nothing'
    },
    details: `Shares, where they unseal the server, are asked for; from a pipe they come on standard input, one a line. A key file must be that of the day of the backup.
The server comes up held: it only reads until you say what it is (mayfly operator resume).`,
    examples: [
      'mayfly operator restore mayfly.backup --config /etc/mayfly.yaml',
      'mayfly operator restore --check mayfly.backup --config /etc/mayfly.yaml'
    ],
    run: async ({ typed, terminal, input }) => {
      const file = typed.arg(0, 'file')
      const config = typed.text('config')
      if (config === undefined) throw new UsageError('say --config FILE: the configuration of the server')
      const check = typed.flag('check')
      const {
        seal,
        salt: _,
        ...told
      } = await restore({ file, config, check }, () => input.secret('Unseal shares, with blanks between them'))
      if (terminal.format !== 'table') return terminal.json({ restored: !check, ...told })
      const what = `the store of ${told.time}, the trail up to line ${told.seq}`
      if (check) return terminal.say(`the backup is whole: ${what}`)
      terminal.say(
        `restored: ${what}`,
        // A key file unseals by itself.
        `Next: start the server, ${seal.kind === 'shamir' ? 'unseal it, ' : ''}and say what it is: mayfly operator resume --restored (the original is gone), or --copy (it lives on)`
      )
    }
  }
}

import type { CliCommand } from '../cli-command.ts'
import { bashCompletion, fishCompletion, zshCompletion } from '../completion-scripts.ts'
import { UsageError } from '../usage-error.ts'

const shells: ReadonlyMap<string, (commands: readonly CliCommand[]) => string> = new Map([
  ['bash', bashCompletion],
  ['zsh', zshCompletion],
  ['fish', fishCompletion]
])

export function completionCommand(commands: readonly CliCommand[]): CliCommand {
  const completion: CliCommand = {
    name: 'completion',
    summary: 'print a script that completes commands and options in a shell',
    takes: { '<shell>': 'bash, zsh or fish' },
    examples: [
      'eval "$(mayfly completion bash)"      # in ~/.bashrc',
      'source <(mayfly completion zsh)        # in ~/.zshrc, after compinit',
      'mayfly completion fish > ~/.config/fish/completions/mayfly.fish'
    ],
    run: async ({ typed, terminal }) => {
      const script = shells.get(typed.arg(0, 'shell'))
      if (!script) throw new UsageError(`shell: expected ${[...shells.keys()].join(', ')}`)
      terminal.text(script([...commands, completion]))
    }
  }
  return completion
}

import type { CliCommand } from '../cli-command.ts'
import { showFields } from '../show-fields.ts'

export function versionCommand(version: string): CliCommand {
  return {
    name: 'version',
    summary: 'show the version of this program',
    hasFields: true,
    examples: ['mayfly version', 'mayfly version -field=version'],
    run: async invocation => {
      const { terminal, typed } = invocation
      if (terminal.format === 'table' && typed.text('field') === undefined) terminal.say(`mayfly ${version}`)
      else showFields(invocation, { version }, { version })
    }
  }
}

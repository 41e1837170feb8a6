import { chmodSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { formatPolicy } from '../../policy/format-policy.ts'
import type { CliCommand } from '../cli-command.ts'
import { exitCode } from '../exit-code.ts'
import { readNamedFile } from '../settings.ts'

export const policyFmt: CliCommand = {
  name: 'policy fmt',
  summary: 'lay a policy out as everybody does; needs no server',
  takes: { '<file>': 'HCL or JSON, written back where it changed; - reads standard input and writes to standard output' },
  options: { '--check': 'change nothing; exit code 1 when it would be laid out in another way' },
  examples: ['mayfly policy fmt app.hcl', 'mayfly policy fmt --check app.hcl'],
  run: async ({ typed, input, terminal }) => {
    const file = typed.arg(0, 'file')
    const before = file === '-' ? await input.text() : readNamedFile(file)
    const after = formatPolicy(before)
    if (typed.flag('check')) return tell(before === after, file, terminal.note.bind(terminal))
    if (file === '-') return terminal.text(after)
    if (before !== after) replace(file, after)
    terminal.say(before === after ? `as it should be: ${file}` : `formatted: ${file}`)
  }
}

function tell(isFormatted: boolean, file: string, note: (line: string) => void): number {
  if (!isFormatted) note(`not formatted: ${file}`)
  return isFormatted ? exitCode.done : exitCode.thisSide
}

/** As a whole, or not at all. */
function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text)
  chmodSync(`${file}.new`, statSync(file).mode)
  renameSync(`${file}.new`, file)
}

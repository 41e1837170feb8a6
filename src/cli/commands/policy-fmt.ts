import { chmodSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { formatPolicy } from '../../policy/format-policy.ts'
import type { CliCommand } from '../cli-command.ts'
import { exitCode } from '../exit-code.ts'
import { readNamedFile } from '../settings.ts'
import { UsageError } from '../usage-error.ts'

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

/** As a whole, or not at all; behind a link the file that it names, and in nobody's place. */
function replace(link: string, text: string): void {
  const file = realpathSync(link)
  const draft = `${file}.new`
  try {
    writeFileSync(draft, text, { flag: 'wx' })
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'EEXIST') throw new UsageError(`${draft} is there already: remove it, or take it away`, { cause })
    rmSync(draft, { force: true })
    throw new UsageError(`cannot write ${draft} (${code ?? 'error'})`, { cause })
  }
  chmodSync(draft, statSync(file).mode)
  renameSync(draft, file)
}

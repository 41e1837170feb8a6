import type { CliCommand } from '../cli-command.ts'
import { plain } from '../cell.ts'
import { UsageError } from '../usage-error.ts'
import { showFields } from '../show-fields.ts'
import { keyValueTable } from '../table.ts'

// The server asks every target first, and gives each a minute.
const timeoutMs = 1_800_000

export const operatorResume: CliCommand = {
  name: 'operator resume',
  summary: 'let a held store work again: it was copied, restored or put back, and only you know as what',
  options: {
    '--restored': 'it takes the place of the original, which is gone: targets are compared with the leases first, then due leases end',
    '--copy': 'the original lives on: its leases become history here and are never touched, and this is another instance from now on',
    '--force': 'with --restored: go on although a target does not answer; what was renewed there after the backup may end early'
  },
  details: `Two brokers that both believe to be the original end each other's credentials: be sure that the original is gone before --restored.
A resume that was cut off is finished by the same command.`,
  examples: ['mayfly operator resume --restored', 'mayfly operator resume --copy'],
  run: async invocation => {
    const { typed, terminal } = invocation
    const [restored, copy] = [typed.flag('restored'), typed.flag('copy')]
    if (restored === copy) throw new UsageError('say --restored (it takes the place of the original) or --copy (the original lives on)')
    if (copy && typed.flag('force')) throw new UsageError('--force belongs to --restored')
    const fields = { as: copy ? 'copy' : 'restored', force: typed.flag('force') }
    const { data } = await invocation.request('PUT', 'sys/resume', fields, { timeoutMs })
    if (terminal.format !== 'table') return showFields(invocation, data ?? {}, data ?? {})
    terminal.say(`resumed as ${plain(data?.['resumed'])}`)
    terminal.lines(
      keyValueTable(
        Object.entries(data ?? {})
          .filter(([key]) => key !== 'resumed')
          .map(([key, value]) => [words[key] ?? key, plain(value)])
      )
    )
  }
}

const words: Readonly<Record<string, string>> = {
  targets: 'Targets compared',
  not_compared: 'Not compared',
  renewed: 'Leases with a later end',
  without_lease: 'Without lease',
  without_object: 'Without object',
  instance: 'Instance',
  leases_set_aside: 'Leases set aside',
  tasks_dropped: 'Tasks dropped'
}

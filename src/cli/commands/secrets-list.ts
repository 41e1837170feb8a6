import type { CliCommand } from '../cli-command.ts'
import { showMounts } from '../show-mounts.ts'
import { wideOption } from '../show-table.ts'

export const secretsList: CliCommand = {
  name: 'secrets list',
  summary: 'list the backends, by the path where each is mounted',
  options: { '--detailed': 'with their TTLs and ids', ...wideOption },
  examples: ['mayfly secrets list', 'mayfly secrets list -format=json'],
  run: invocation => showMounts(invocation, 'sys/mounts')
}

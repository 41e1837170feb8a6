import type { CliCommand } from '../cli-command.ts'
import { showMounts } from '../show-mounts.ts'
import { wideOption } from '../show-table.ts'

export const authList: CliCommand = {
  name: 'auth list',
  summary: 'list the auth methods, by the path where each is mounted',
  options: { '--detailed': 'with their TTLs and ids', ...wideOption },
  examples: ['mayfly auth list', 'mayfly auth list -format=json'],
  run: invocation => showMounts(invocation, 'sys/auth')
}

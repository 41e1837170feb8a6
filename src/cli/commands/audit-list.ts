import { plain } from '../cell.ts'
import type { CliCommand } from '../cli-command.ts'
import { jsonAt } from '../json-at.ts'
import { showTable, wideOption } from '../show-table.ts'

export const auditList: CliCommand = {
  name: 'audit list',
  summary: 'list where the audit trail goes',
  options: wideOption,
  examples: ['mayfly audit list'],
  run: async invocation => {
    const { terminal } = invocation
    const { data } = await invocation.request('GET', 'sys/audit')
    if (terminal.format === 'json') return terminal.json(data)
    if (Object.keys(data ?? {}).length === 0) return terminal.say('the trail goes nowhere but into the store')
    const rows = Object.entries(data ?? {}).map(([path, device]) => [
      path,
      plain(jsonAt(device, 'type')),
      plain(jsonAt(device, 'options', 'file_path')),
      plain(jsonAt(device, 'description'))
    ])
    return showTable(invocation, ['Path', 'Type', 'File', 'Description'], rows, ['File'])
  }
}

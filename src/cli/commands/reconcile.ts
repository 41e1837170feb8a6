import type { JsonObject } from '../../contracts/index.ts'
import { plain } from '../cell.ts'
import type { CliCommand } from '../cli-command.ts'
import { exitCode } from '../exit-code.ts'
import type { Invocation } from '../invocation.ts'
import { objectsAt } from '../json-at.ts'
import { mountPath } from '../mount-settings.ts'
import { table } from '../table.ts'

// The server gives each target a minute.
const timeoutMs = 600_000

export const reconcile: CliCommand = {
  name: 'reconcile',
  summary: 'compare what the targets hold with the leases',
  takes: { '[mount]': 'show only the targets of this mount' },
  options: { '--last': 'the last report, without looking anew' },
  details: 'Nothing is changed in a target. Exit code: 2 when something has no lease, or when a target could not be listed.',
  examples: ['mayfly reconcile', 'mayfly reconcile database -format=json'],
  run: async invocation => {
    const { typed } = invocation
    const { data } = await invocation.request(typed.flag('last') ? 'GET' : 'PUT', 'sys/reconcile', {}, { timeoutMs })
    const mount = typed.args[0] === undefined ? undefined : `${mountPath(typed.args[0])}/`
    const targets = objectsAt(data, 'targets').filter(target => mount === undefined || target['mount'] === mount)
    show(invocation, { ...data, targets }, targets)
    return targets.some(isBad) ? exitCode.refused : exitCode.done
  }
}

function isBad({ orphanCount, error }: JsonObject): boolean {
  return orphanCount !== 0 || error !== undefined
}

function show({ terminal }: Invocation, report: JsonObject, targets: readonly JsonObject[]): void {
  if (terminal.format === 'json') return terminal.json(report)
  if (targets.length === 0) return terminal.say('no targets')
  const rows = targets.map(target => ['mount', 'target', 'listed', 'orphanCount', 'error'].map(key => plain(target[key])))
  const orphans = targets.flatMap(target =>
    objectsAt(target, 'orphans').map(orphan => [
      plain(target['mount']),
      plain(orphan['name']),
      orphan['enabled'] === false ? 'disabled' : 'gives access'
    ])
  )
  terminal.lines(table(['Mount', 'Target', 'Listed', 'Without lease', 'Error'], rows))
  if (orphans.length > 0) terminal.lines(['', ...table(['Mount', 'Without lease', 'State'], orphans)])
}

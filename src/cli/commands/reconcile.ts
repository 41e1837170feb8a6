import type { JsonObject } from '../../contracts/index.ts'
import { plain } from '../cell.ts'
import type { CliCommand } from '../cli-command.ts'
import { exitCode } from '../exit-code.ts'
import type { Invocation } from '../invocation.ts'
import { objectsAt } from '../json-at.ts'
import { mountPath } from '../mount-settings.ts'
import { showTable, wideOption } from '../show-table.ts'

// The server gives each target a minute for each of two looks, eight targets at a time.
const timeoutMs = 600_000

export const reconcile: CliCommand = {
  name: 'reconcile',
  summary: 'compare what the targets hold with the leases, both ways',
  takes: { '[mount]': 'only the targets of this mount' },
  options: { '--last': 'the last report, without looking anew', ...wideOption },
  details:
    'What has our mark and no lease is told, or given a lease that ends it, as the mount says (mayfly secrets tune -reconcile=remove database). Nothing without our mark is ever touched. ' +
    'Exit code: 2 when something has no lease, when a lease has lost what it stands for, or when a target could not be listed.',
  examples: ['mayfly reconcile', 'mayfly reconcile database -format=json', 'mayfly reconcile -last'],
  run: async invocation => {
    const { typed, terminal } = invocation
    const route = typed.args.length === 0 ? 'sys/reconcile' : `sys/reconcile/${mountPath(typed.arg(0, 'mount'))}`
    const { data } = await invocation.request(typed.flag('last') ? 'GET' : 'PUT', route, {}, { timeoutMs })
    const targets = objectsAt(data, 'targets')
    if (terminal.format === 'json') terminal.json(data)
    else show(invocation, targets)
    return targets.some(isBad) ? exitCode.refused : exitCode.done
  }
}

function isBad({ orphanCount, missingCount = 0, error }: JsonObject): boolean {
  return orphanCount !== 0 || missingCount !== 0 || error !== undefined
}

function show(invocation: Invocation, targets: readonly JsonObject[]): void {
  if (targets.length === 0) return invocation.terminal.say('no targets')
  const rows = targets.map(({ error, note, ...target }) => [
    ...['mount', 'target', 'policy', 'listed', 'orphanCount', 'missingCount', 'adoptedCount', 'foreignCount'].map(key =>
      plain(target[key])
    ),
    plain(error ?? note)
  ])
  const head = ['Mount', 'Target', 'Policy', 'Listed', 'No lease', 'No object', 'Adopted', 'Foreign', 'Remark']
  showTable(invocation, head, rows, ['Target'])
  list(invocation, targets, 'orphans', ['No lease', 'State', 'Ends'], orphan => [name(orphan), stateOf(orphan), plain(orphan['until'])])
  list(invocation, targets, 'missing', ['No object', 'Lease'], lease => [name(lease), plain(lease['lease'])])
  list(invocation, targets, 'adopted', ['Has a lease now', 'Lease', 'Ends'], ({ name, lease, ends }) => [name, lease, ends].map(plain))
  list(invocation, targets, 'unmarked', ['Mark missing', 'State', 'Remark'], one => [name(one), access(one), plain(one['note'])])
}

function list(
  invocation: Invocation,
  targets: readonly JsonObject[],
  key: string,
  head: readonly string[],
  row: (one: JsonObject) => readonly string[]
): void {
  const rows = targets.flatMap(target => objectsAt(target, key).map(one => [plain(target['mount']), ...row(one)]))
  if (rows.length === 0) return
  invocation.terminal.lines([''])
  showTable(invocation, ['Mount', ...head], rows, ['Lease'])
}

const name = (one: JsonObject): string => plain(one['name'])
const access = ({ enabled }: JsonObject): string => (enabled === false ? 'disabled' : 'gives access')
const stateOf = (orphan: JsonObject): string =>
  `${access(orphan)}${orphan['state'] === 'waits' ? ', waits for its second look' : ''}${orphan['note'] === undefined ? '' : `, ${plain(orphan['note'])}`}`

import type { Json, JsonObject } from '../contracts/index.ts'
import { plain } from './cell.ts'
import type { Invocation } from './invocation.ts'
import { showFields } from './show-fields.ts'
import { keyValueTable } from './table.ts'

export function showSealStatus(invocation: Invocation, status: JsonObject): void {
  const { terminal, typed } = invocation
  if (terminal.format === 'json' || typed.text('field') !== undefined) showFields(invocation, status, status)
  else terminal.lines(keyValueTable(rows(status).map(([key, value]) => [key, plain(value)])))
}

function rows(status: JsonObject): readonly (readonly [string, Json | undefined])[] {
  const { sealed, t, n, progress } = status
  return [
    ['Seal Type', status['type']],
    ['Initialized', status['initialized']],
    ['Sealed', sealed],
    ['Total Shares', n],
    ['Threshold', t],
    ...(status['held'] === true
      ? ([
          ['Held', `${plain(status['held_cause'])} (since ${plain(status['held_since'])})`],
          ['Held: resume by', 'mayfly operator resume --restored, or --copy']
        ] as const)
      : []),
    ...(sealed === true ? ([['Unseal Progress', `${plain(progress)}/${plain(t)}`]] as const) : []),
    ['Version', status['mayfly_version'] ?? status['version']],
    ['API Version', status['version']],
    ['Storage Type', status['storage_type']],
    ...(status['cluster_name'] === undefined
      ? []
      : ([
          ['Cluster Name', status['cluster_name']],
          ['Cluster ID', status['cluster_id']]
        ] as const))
  ]
}

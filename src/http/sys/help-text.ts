import type { Router } from '../../broker/door/router.ts'
import { serves } from '../../broker/door/router.ts'
import type { Operation } from '../../contracts/index.ts'
import { z } from '../../contracts/index.ts'

/** Of a row of a table of paths what there is to say of it. */
export interface Explained {
  readonly pattern: string
  readonly summary: string
  readonly open?: true
  readonly sudo?: true
  readonly fields: z.ZodObject
}

export interface ExplainedRow {
  readonly row: Explained
  readonly operations: readonly string[]
}

const operations: readonly (readonly [string, Operation])[] = [
  ['read', 'read'],
  ['write', 'update'],
  ['delete', 'delete'],
  ['list', 'list']
]

/** The rows that serve a path, each with what it does there. */
export function rowsAt(router: Router<Explained>, path: string): readonly ExplainedRow[] {
  const found = operations.flatMap(([name, operation]) => {
    const match = router.match(path, operation)
    return match && serves(match.path, operation) ? [{ row: match.path, name }] : []
  })
  return [...Map.groupBy(found, ({ row }) => row)].map(([row, of]) => ({ row, operations: of.map(({ name }) => name) }))
}

/** `request`: as asked; `mount`: with its slash. In the form that people know from the servers beside us. */
export function pathHelp(request: string, mount: string, found: readonly ExplainedRow[]): string {
  return found
    .map(({ row, operations }) =>
      [
        `Request:        ${request}`,
        `Matching Route: ${mount}${row.pattern}`,
        '',
        row.summary,
        '',
        '## OPERATIONS',
        '',
        `    ${operations.join(', ')}${row.sudo ? ' (with sudo)' : ''}${row.open ? ' (asked without a token, too)' : ''}`,
        ...parameters(row)
      ].join('\n')
    )
    .join('\n\n')
}

/** All that a mount serves. */
export function mountHelp(mount: string, about: string, rows: readonly Explained[]): string {
  const paths = rows.toSorted((a, b) => (a.pattern < b.pattern ? -1 : 1))
  const lines = paths.flatMap(({ pattern, summary }) => [`    ${mount}${pattern}`, `        ${summary}`])
  return ['## DESCRIPTION', '', about, '', '## PATHS', '', ...lines].join('\n')
}

function parameters({ pattern, fields }: Explained): readonly string[] {
  const inPath = new Set(pattern.match(/(?<=[:*])\w+/g))
  const { properties = {} } = z.toJSONSchema(fields, { io: 'input', unrepresentable: 'any' })
  const lines = Object.entries(properties)
    .filter(([name]) => !inPath.has(name))
    .map(([name, schema]) => `    ${name} (${kindOf(schema)})`)
  return lines.length === 0 ? [] : ['', '## PARAMETERS', '', ...lines.toSorted()]
}

type Schema = z.core.JSONSchema._JSONSchema

function kindOf(schema: Schema): string {
  if (typeof schema === 'boolean') return 'any'
  if (schema.enum) return schema.enum.join(', ')
  // A duration is seconds or words.
  if (schema.anyOf?.some(one => typeof one === 'object' && one.type === 'number')) return 'time: seconds, or 90s, 15m, 2h, 1d'
  switch (schema.type) {
    case 'string':
      return 'text'
    case 'boolean':
      return 'true or false'
    case 'integer':
    case 'number':
      return 'number'
    case 'array':
      return 'list'
    case 'object':
      return 'map'
    case 'null':
    case undefined:
    default:
      return 'any'
  }
}

import type { Json } from '../contracts/index.ts'
import { cell, plain } from './cell.ts'
import type { Invocation } from './invocation.ts'
import { jsonAt } from './json-at.ts'
import { showTable } from './show-table.ts'

/** The mounts that a route lists, backends or auth methods, by their paths. */
export async function showMounts(invocation: Invocation, route: 'sys/mounts' | 'sys/auth'): Promise<void> {
  const { typed, terminal } = invocation
  const { data } = await invocation.request('GET', route)
  if (terminal.format === 'json') return terminal.json(data)
  const detailed = typed.flag('detailed')
  const head = ['Path', 'Type', 'Accessor', ...(detailed ? ['Default TTL', 'Max TTL', 'UUID'] : []), 'Description']
  const rows = Object.entries(data ?? {}).map(([path, mount]) => row(path, mount, detailed))
  return showTable(invocation, head, rows, ['UUID'])
}

function row(path: string, mount: Json, detailed: boolean): readonly string[] {
  const more = detailed ? [ttl(mount, 'default_lease_ttl'), ttl(mount, 'max_lease_ttl'), plain(jsonAt(mount, 'uuid'))] : []
  return [path, plain(jsonAt(mount, 'type')), plain(jsonAt(mount, 'accessor')), ...more, description(mount)]
}

function description(mount: Json): string {
  const why = jsonAt(mount, 'broken')
  if (why !== undefined) return `cannot be used: ${plain(why)}`
  return jsonAt(mount, 'ending') === true ? 'is being disabled' : plain(jsonAt(mount, 'description'))
}

function ttl(mount: Json, key: string): string {
  const seconds = jsonAt(mount, 'config', key) ?? 0
  return seconds === 0 ? "the system's" : cell(key, seconds, {})
}

import type { Json } from '../../contracts/index.ts'
import { cell, plain } from '../cell.ts'
import type { CliCommand } from '../cli-command.ts'
import { jsonAt } from '../json-at.ts'
import { table } from '../table.ts'

export const secretsList: CliCommand = {
  name: 'secrets list',
  summary: 'list the backends, by the path where each is mounted',
  options: { '--detailed': 'with their TTLs and ids' },
  examples: ['mayfly secrets list', 'mayfly secrets list -format=json'],
  run: async invocation => {
    const { typed, terminal } = invocation
    const { data } = await invocation.request('GET', 'sys/mounts')
    if (terminal.format === 'json') return terminal.json(data)
    const detailed = typed.flag('detailed')
    const head = ['Path', 'Type', 'Accessor', ...(detailed ? ['Default TTL', 'Max TTL', 'UUID'] : []), 'Description']
    return terminal.lines(
      table(
        head,
        Object.entries(data ?? {}).map(([path, mount]) => row(path, mount, detailed))
      )
    )
  }
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

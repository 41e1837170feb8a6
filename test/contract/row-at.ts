import { BrokerError } from '../../src/contracts/index.ts'
import type { Path } from '../../src/contracts/index.ts'

/** The row of a table of paths that a path fits, and its named segments. */
export function rowAt(paths: readonly Path[], path: string): readonly [Path, Record<string, string>] {
  for (const row of paths) {
    const params = matched(row.pattern.split('/'), path.split('/'))
    if (params) return [row, params]
  }
  throw new BrokerError('no_route', `no handler for route "${path}"`)
}

function matched(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {}
  for (const [at, part] of pattern.entries()) {
    if (part.startsWith('*')) return { ...params, [part.slice(1)]: segments.slice(at).join('/') }
    if (part.startsWith(':') && segments[at] !== undefined) params[part.slice(1)] = segments[at]
    else if (part !== segments[at]) return undefined
  }
  return pattern.length === segments.length ? params : undefined
}

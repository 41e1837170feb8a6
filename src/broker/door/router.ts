import type { Operation } from '../../contracts/index.ts'

/** What every table of paths has in common. */
export interface Routable {
  readonly pattern: string
  readonly read?: unknown
  readonly write?: unknown
  readonly delete?: unknown
  readonly list?: unknown
}

export interface Match<Row> {
  readonly path: Row
  readonly params: Readonly<Record<string, string>>
}

/** Finds the row of a table of paths for a path below its mount. A literal segment wins over a named one, a named one over a rest, and a rest that ends in
 *  literal segments (`mounts/*path/tune`) over one that takes all. */
export class Router<Row extends Routable> {
  readonly #rows: readonly Row[]
  /** Patterns that are paths themselves: most are, and they come before all others. */
  readonly #literal: ReadonlyMap<string, readonly Row[]>
  readonly #named: readonly { readonly path: Row; readonly segments: readonly string[] }[]

  constructor(rows: readonly Row[]) {
    const ranked = rows
      .map(path => ({ path, segments: path.pattern.split('/') }))
      .toSorted((a, b) => compareRank(rank(a.segments), rank(b.segments)))
    this.#rows = ranked.map(row => row.path)
    this.#literal = Map.groupBy(
      this.#rows.filter(row => isLiteral(row.pattern)),
      row => row.pattern
    )
    this.#named = ranked.filter(row => !isLiteral(row.path.pattern))
  }

  /** The row that serves `operation` at the path, else any row at the path (so that 405 can be told from 404). */
  match(path: string, operation: Operation): Match<Row> | undefined {
    let other: Match<Row> | undefined
    for (const row of this.#literal.get(path) ?? []) {
      if (serves(row, operation)) return { path: row, params: none }
      other ??= { path: row, params: none }
    }
    const segments = path.split('/')
    for (const row of this.#named) {
      const params = bind(row.segments, segments)
      if (!params) continue
      if (serves(row.path, operation)) return { path: row.path, params }
      other ??= { path: row.path, params }
    }
    return other
  }

  get rows(): readonly Row[] {
    return this.#rows
  }
}

const none: Readonly<Record<string, string>> = Object.freeze(Object.create(null))

function isLiteral(pattern: string): boolean {
  return !/(^|\/)[:*]/.test(pattern)
}

export function serves(path: Routable, operation: Operation): boolean {
  return Boolean(operation === 'create' || operation === 'update' ? path.write : path[operation])
}

function bind(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  // Most rows part here.
  if (pattern[0] !== segments[0] && !isVariable(pattern[0]!)) return undefined
  const params: Record<string, string> = Object.create(null)
  for (const [i, part] of pattern.entries()) {
    if (part.startsWith('*')) {
      const ending = pattern.slice(i + 1)
      const end = segments.length - ending.length
      if (ending.length > 0 && (end <= i || ending.some((literal, at) => segments[end + at] !== literal))) return undefined
      params[part.slice(1)] = segments.slice(i, end).join('/')
      return params
    }
    const segment = segments[i]
    if (segment === undefined) return undefined
    if (part.startsWith(':')) {
      if (segment === '') return undefined
      params[part.slice(1)] = segment
    } else if (part !== segment) return undefined
  }
  return segments.length === pattern.length ? params : undefined
}

function isVariable(part: string): boolean {
  return part.startsWith(':') || part.startsWith('*')
}

function rank(segments: readonly string[]): readonly number[] {
  return segments.map((segment, i) => (segment.startsWith('*') ? (i === segments.length - 1 ? 3 : 2) : segment.startsWith(':') ? 1 : 0))
}

function compareRank(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? -1) - (b[i] ?? -1)
    if (difference !== 0) return difference
  }
  return 0
}

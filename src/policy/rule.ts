import type { Json } from '../contracts/json.ts'
import type { Capability } from './capability.ts'

/** Lower-case parameter name -> the values listed for it; an empty list means any value. */
export type ParameterValues = ReadonlyMap<string, readonly Json[]>

/** What a policy says about one path. Only *one* rule decides a request: different paths that match are never merged. */
export interface Rule {
  /** As written, without a leading slash: exact, `…*` (prefix), or with `+` for exactly one segment. */
  readonly path: string
  readonly capabilities: ReadonlySet<Capability>
  readonly allowed: ParameterValues
  readonly denied: ParameterValues
  readonly required: ReadonlySet<string>
  /** Bounds of the wrap TTL, in seconds; 0 when there is none. */
  readonly wrapSecondsMin: number
  readonly wrapSecondsMax: number
}

export interface Policy {
  readonly name: string
  readonly rules: readonly Rule[]
}

export function emptyRule(path: string): Rule {
  return { path, capabilities: new Set(), allowed: new Map(), denied: new Map(), required: new Set(), wrapSecondsMin: 0, wrapSecondsMax: 0 }
}

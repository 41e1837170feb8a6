import type { Json } from '../contracts/json.ts'
import type { ParameterValues, Rule } from './rule.ts'
import { emptyRule } from './rule.ts'

/** The same path said several times, in several policies or in one: `deny` in any leaves only deny, everything else is a union, and the restrictions
 *  stay. The order means nothing. One pass over all of them, because a hostile policy says the same path thousands of times. */
export function uniteRules(path: string, rules: readonly Partial<Rule>[]): Rule {
  if (rules.some(rule => rule.capabilities?.has('deny'))) return { ...emptyRule(path), capabilities: new Set(['deny'] as const) }
  return {
    path,
    capabilities: new Set(rules.flatMap(rule => [...(rule.capabilities ?? [])])),
    allowed: uniteValues(rules.flatMap(rule => [...(rule.allowed ?? [])])),
    denied: uniteValues(rules.flatMap(rule => [...(rule.denied ?? [])])),
    required: new Set(rules.flatMap(rule => [...(rule.required ?? [])])),
    wrapSecondsMin: lowest(rules.map(rule => rule.wrapSecondsMin ?? 0)),
    wrapSecondsMax: lowest(rules.map(rule => rule.wrapSecondsMax ?? 0))
  }
}

/** An empty list means any value, so it absorbs the others. */
export function uniteValues(named: readonly (readonly [name: string, values: readonly Json[]])[]): ParameterValues {
  const united = new Map<string, Json[]>()
  for (const [name, values] of named) {
    const before = united.get(name)
    if (before === undefined) united.set(name, [...values])
    else if (before.length > 0 && values.length > 0) for (const value of values) before.push(value)
    else united.set(name, [])
  }
  return united
}

/** 0 is "not said": a policy without a bound takes none away. */
function lowest(seconds: readonly number[]): number {
  return seconds.filter(bound => bound > 0).reduce((low, bound) => (low === 0 ? bound : Math.min(low, bound)), 0)
}

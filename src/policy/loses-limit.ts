import { compileAcl } from './acl.ts'
import { capabilitiesAt } from './capabilities-at.ts'
import type { Policy, Rule } from './rule.ts'
import { hasTemplate } from './template.ts'

// Each rule with a template is held against all others, and a megabyte of them would take minutes of the event loop (measured). No honest policy comes near.
const pairsMax = 50_000

/** A rule whose template has no value is dropped, and nothing has a value yet. Of a rule that gives something there is less then; of one that takes something away, by `deny` or because it gives less than a wider rule
 *  beside it, there would be more than was written. */
export function losesLimit({ name, rules }: Policy): boolean {
  const templated = rules.filter(({ path }) => hasTemplate(path))
  if (templated.length * rules.length > pairsMax) return true
  const kept = compileAcl([{ name, rules: rules.filter(({ path }) => !hasTemplate(path)) }])
  return templated.some(rule => {
    if (rule.capabilities.has('deny')) return true
    const otherwise = capabilitiesAt(kept, somePath(rule.path))
    return otherwise[0] !== 'deny' && (isNarrow(rule) || otherwise.some(one => !(rule.capabilities as ReadonlySet<string>).has(one)))
  })
}

/** One that the rule is for. */
function somePath(path: string): string {
  return path
    .replaceAll(/\{\{[^{}]*\}\}/g, 'x')
    .replaceAll(/(?<=^|\/)\+(?=\/|$)/g, 'x')
    .replace(/\*$/, 'x')
}

function isNarrow({ allowed, denied, required, wrapSecondsMin, wrapSecondsMax }: Rule): boolean {
  return allowed.size + denied.size + required.size + wrapSecondsMin + wrapSecondsMax > 0
}

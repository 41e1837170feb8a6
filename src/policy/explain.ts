import type { Decision } from './decide.ts'

/** A decision as a sentence for the audit and the operator, never for the caller: `database/creds/* of app: the rule lacks the capability`. */
export function explain(decision: Decision): string {
  if (!decision.allowed && decision.rule === undefined) return decision.reason
  const source = `${decision.rule} of ${decision.policies.join(', ')}`
  if (decision.allowed) return `${source}: allowed`
  return `${source}: ${decision.reason}${decision.parameter === undefined ? '' : ` (${decision.parameter})`}`
}

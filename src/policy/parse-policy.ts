import { BrokerError } from '../contracts/errors.ts'
import { parseHcl } from './parse-hcl.ts'
import type { HclEntry } from './parse-hcl.ts'
import { parseRule } from './parse-rule.ts'
import { fixedPolicies } from './policy-name.ts'
import { blocks } from './read-value.ts'
import { quoted, refusePolicy } from './refuse-policy.ts'
import type { Policy, Rule } from './rule.ts'

// Some ten thousand rules. Far above what people write, low enough to parse within a request.
const textCharsMax = 1_048_576

/** The policy that a text in HCL or JSON describes; `name` in its canonical form. The caller keeps the text, which clients read back byte for byte.
 *  A mistake is `invalid_request`, `failed to parse policy: line 3: unknown key "capabilites"`. */
export function parsePolicy(name: string, text: string): Policy {
  // The name alone makes root what it is, so no text may come to bear it.
  if (fixedPolicies.has(name)) throw new BrokerError('invalid_request', `cannot update "${name}" policy`)
  return { name, rules: parseRules(text) }
}

function parseRules(text: string): readonly Rule[] {
  if (text.length > textCharsMax) throw new BrokerError('invalid_request', `failed to parse policy: longer than ${textCharsMax} characters`)
  return parseHcl(text).entries.flatMap(entry => topLevel(entry))
}

function topLevel(entry: HclEntry): readonly Rule[] {
  if (entry.key === 'path') return paths(entry)
  // A name inside the text is a remark: the name under which it is written counts.
  if (entry.key === 'name') return []
  throw refusePolicy(entry.line, `unknown key ${quoted(entry.key)}`)
}

function paths(entry: HclEntry): readonly Rule[] {
  const named = blocks(entry).flatMap(block => block.entries)
  return named.flatMap(path => blocks(path).map(block => parseRule(path.key, block, path.line)))
}

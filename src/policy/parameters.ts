import type { Json, JsonObject } from '../contracts/json.ts'
import type { ParameterValues } from './rule.ts'

/** The first required name that was not sent. Sent means under exactly this name and not as null: fields are case-sensitive and null is "not given", so
 *  `TTL` or a null would pass here and mean nothing to the backend. */
export function missingParameter(required: ReadonlySet<string>, parameters: JsonObject): string | undefined {
  for (const name of required) {
    if (!Object.hasOwn(parameters, name) || parameters[name] === null) return name
  }
  return undefined
}

/** The first name that is denied with the value that was sent; `*` denies every parameter. */
export function deniedParameter(denied: ParameterValues, parameters: JsonObject): string | undefined {
  if (denied.size === 0) return undefined
  for (const [sent, value] of Object.entries(parameters)) {
    if (denied.has('*')) return '*'
    const name = sent.toLowerCase()
    const values = denied.get(name)
    if (values && lists(values, value)) return name
  }
  return undefined
}

/** Whether something was sent that the rule does not allow. With `*` any name passes, but the values listed for a name still bind. */
export function hasUnlistedParameter(allowed: ParameterValues, parameters: JsonObject): boolean {
  if (allowed.size === 0) return false
  const others = allowed.has('*')
  return Object.entries(parameters).some(([sent, value]) => {
    const values = allowed.get(sent.toLowerCase())
    return values ? !lists(values, value) : !others
  })
}

function lists(values: readonly Json[], value: Json): boolean {
  return values.length === 0 || values.some(listed => sameValue(listed, value))
}

/** After JSON decoding and without conversion: 1 is not "1". */
function sameValue(listed: Json, value: Json): boolean {
  if (typeof listed === 'string' && typeof value === 'string') return matchesGlob(listed, value)
  if (typeof listed !== 'object' || listed === null || typeof value !== 'object' || value === null) return listed === value
  return sameStructure(listed, value)
}

/** A leading and a trailing `*` stand for anything; `*` alone is just a star, as on the wire. */
function matchesGlob(pattern: string, value: string): boolean {
  if (pattern.length < 2) return pattern === value
  const [starts, ends] = [pattern.startsWith('*'), pattern.endsWith('*')]
  if (starts && ends) return value.includes(pattern.slice(1, -1))
  if (starts) return value.endsWith(pattern.slice(1))
  return ends ? value.startsWith(pattern.slice(0, -1)) : pattern === value
}

/** Inside lists and objects nothing is a glob. The depth is that of the listed value, which the parser bounds. */
function sameStructure(listed: Json, value: Json): boolean {
  if (typeof listed !== 'object' || listed === null || typeof value !== 'object' || value === null) return listed === value
  if (Array.isArray(listed) !== Array.isArray(value)) return false
  const one = new Map<string, Json>(Object.entries(listed))
  const other = new Map<string, Json>(Object.entries(value))
  return one.size === other.size && [...one].every(([key, item]) => other.has(key) && sameStructure(item, other.get(key)!))
}

import type { Capability } from './capability.ts'
import { isCapability } from './capability.ts'
import type { HclEntry, HclObject } from './parse-hcl.ts'
import { parameterValues, text, texts, wrapSeconds } from './read-value.ts'
import { quoted, refusePolicy } from './refuse-policy.ts'
import type { ParameterValues, Rule } from './rule.ts'
import { templateMistake } from './template.ts'
import { uniteRules } from './unite-rules.ts'

type Reader = (entry: HclEntry) => Partial<Rule>

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['comment', () => ({})],
  ['policy', entry => ({ capabilities: oldForm(entry) })],
  ['capabilities', entry => ({ capabilities: capabilitySet(entry) })],
  ['allowed_parameters', entry => ({ allowed: allowedValues(entry) })],
  ['denied_parameters', entry => ({ denied: parameterValues(entry) })],
  ['required_parameters', entry => ({ required: new Set(texts(entry).map(name => name.toLowerCase())) })],
  ['min_wrapping_ttl', entry => ({ wrapSecondsMin: wrapSeconds(entry) })],
  ['max_wrapping_ttl', entry => ({ wrapSecondsMax: wrapSeconds(entry) })]
])

/** Keys that restrict in Vault or OpenBao. Ignoring one would grant more than its author wrote. */
const unenforced: ReadonlySet<string> = new Set([
  'mfa_methods',
  'control_group',
  'pagination_limit',
  'expiration',
  'list_scan_response_keys_filter_path'
])

/** From before there were capabilities; empty means not given. */
const oldForms: ReadonlyMap<string, readonly Capability[]> = new Map<string, readonly Capability[]>([
  ['', []],
  ['deny', ['deny']],
  ['read', ['read', 'list']],
  ['write', ['create', 'read', 'update', 'delete', 'list']],
  ['sudo', ['create', 'read', 'update', 'delete', 'list', 'sudo']]
])

/** Reads the block of one path. A key that is said twice counts as if two policies had said it once. */
export function parseRule(written: string, block: HclObject, line: number): Rule {
  const path = rulePath(written, line)
  const rule = uniteRules(
    path,
    block.entries.map(entry => readEntry(entry))
  )
  if (rule.wrapSecondsMin > 0 && rule.wrapSecondsMax > 0 && rule.wrapSecondsMax < rule.wrapSecondsMin)
    throw refusePolicy(line, 'max_wrapping_ttl cannot be less than min_wrapping_ttl')
  return rule
}

function readEntry(entry: HclEntry): Partial<Rule> {
  const reader = readers.get(entry.key)
  if (reader) return reader(entry)
  if (unenforced.has(entry.key)) throw refusePolicy(entry.line, `${entry.key} would restrict, but is not enforced here`)
  throw refusePolicy(entry.line, `unknown key ${quoted(entry.key)}`)
}

/** The door lets only NFC in: a rule in another form, a deny above all, would never match. */
function rulePath(written: string, line: number): string {
  const path = written.startsWith('/') ? written.slice(1) : written
  if (path.includes('+*')) throw refusePolicy(line, "'+*' in a path is forbidden")
  if (path.normalize('NFC') !== path) throw refusePolicy(line, 'a path is not in Unicode form NFC')
  const mistake = templateMistake(path)
  if (mistake !== undefined) throw refusePolicy(line, mistake)
  return path
}

function oldForm(entry: HclEntry): ReadonlySet<Capability> {
  const word = text(entry)
  const granted = oldForms.get(word)
  if (!granted) throw refusePolicy(entry.line, `unknown policy ${quoted(word)}`)
  return new Set(granted)
}

function capabilitySet(entry: HclEntry): ReadonlySet<Capability> {
  const granted = new Set<Capability>()
  for (const word of texts(entry)) {
    if (!isCapability(word)) throw refusePolicy(entry.line, `unknown capability ${quoted(word)}`)
    granted.add(word)
  }
  return granted
}

/** There `"*" = ["a"]` looks like a restriction, and any value passes. */
function allowedValues(entry: HclEntry): ParameterValues {
  const allowed = parameterValues(entry)
  if ((allowed.get('*') ?? []).length > 0) throw refusePolicy(entry.line, 'allowed_parameters: the list of "*" must be empty')
  return allowed
}

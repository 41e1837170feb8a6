import { parseDuration } from '../contracts/fields.ts'
import type { Json } from '../contracts/json.ts'
import type { HclEntry, HclObject, HclValue } from './parse-hcl.ts'
import { quoted, refusePolicy } from './refuse-policy.ts'
import type { ParameterValues } from './rule.ts'
import { uniteValues } from './unite-rules.ts'

// The longest duration that means something; more would only be work.
const durationCharsMax = 32

export function text({ key, value, line }: HclEntry): string {
  if (typeof value !== 'string') throw refusePolicy(line, `${quoted(key)}: expected a string`)
  return value
}

export function texts({ key, value, line }: HclEntry): readonly string[] {
  if (!isList(value) || !value.every(item => typeof item === 'string'))
    throw refusePolicy(line, `${quoted(key)}: expected a list of strings`)
  return value
}

/** The block of an entry, or its blocks: JSON that was made from HCL wraps each in a list. */
export function blocks({ key, value, line }: HclEntry): readonly HclObject[] {
  const candidates = isList(value) ? value : [value]
  if (!candidates.every(isObject)) throw refusePolicy(line, `${quoted(key)}: expected a block`)
  return candidates
}

/** Names compare in lower case. */
export function parameterValues(entry: HclEntry): ParameterValues {
  const listed = blocks(entry).flatMap(block => block.entries)
  return uniteValues(listed.map(({ key, value, line }) => [key.toLowerCase(), values(value, line)] as const))
}

function values(value: HclValue, line: number): readonly Json[] {
  if (!isList(value)) throw refusePolicy(line, 'expected a list of the values of a parameter')
  return value.map(item => json(item, line))
}

export function wrapSeconds({ key, value, line }: HclEntry): number {
  const written = typeof value === 'number' || typeof value === 'string' ? String(value) : 'neither'
  const seconds = written.length <= durationCharsMax ? durationSeconds(written) : Number.NaN
  if (Number.isNaN(seconds)) throw refusePolicy(line, `${quoted(key)}: expected a duration`)
  // Half a second would become 0, and that is no bound at all.
  if (seconds === 0 && /[1-9]/.test(written)) throw refusePolicy(line, `${quoted(key)}: expected at least one second`)
  return seconds
}

function durationSeconds(written: string): number {
  try {
    return parseDuration(written) ?? 0
  } catch {
    return Number.NaN
  }
}

function json(value: HclValue, line: number): Json {
  if (isList(value)) return value.map(item => json(item, line))
  if (!isObject(value)) return value
  const names = new Set(value.entries.map(entry => entry.key))
  if (names.size < value.entries.length) throw refusePolicy(line, 'a key stands twice in a value')
  return Object.fromEntries(value.entries.map(entry => [entry.key, json(entry.value, line)]))
}

function isList(value: HclValue): value is readonly HclValue[] {
  return Array.isArray(value)
}

function isObject(value: HclValue): value is HclObject {
  return typeof value === 'object' && value !== null && !isList(value)
}

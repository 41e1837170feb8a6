import { BrokerError } from '../../contracts/errors.ts'
import { parseHcl } from '../parse-hcl.ts'
import type { HclEntry, HclObject } from '../parse-hcl.ts'
import { blocks, text } from '../read-value.ts'
import { PolicyMistake, quoted, refusePolicy } from '../refuse-policy.ts'
import type { CharsetRule, PasswordPolicy } from './password-policy.ts'

const lengthMin = 4
const lengthMax = 100
// Some hundred rules. Every one is looked at for each candidate.
const textCharsMax = 16_384
const rulesMax = 64

/** The policy that a text in HCL or JSON describes. A mistake is `invalid_request`, `invalid password policy: line 3: unknown key "min_chars"`. */
export function parsePasswordPolicy(written: string): PasswordPolicy {
  try {
    return readPolicy(written)
  } catch (error) {
    if (!(error instanceof PolicyMistake)) throw error
    throw new BrokerError('invalid_request', `invalid password policy: ${error.mistake}`)
  }
}

function readPolicy(written: string): PasswordPolicy {
  if (written.length > textCharsMax) throw refusal(`invalid password policy: longer than ${textCharsMax} characters`)
  const { entries } = parseHcl(written)
  refuseUnknown(entries, ['length', 'rule'])
  const rules = entries.filter(entry => entry.key === 'rule').flatMap(ruleBlocks)
  if (rules.length === 0) throw refusal('invalid password policy: no rule: one rule "charset" at least says which characters there are')
  if (rules.length > rulesMax) throw refusal(`invalid password policy: more than ${rulesMax} rules`)
  const length = wholeNumber(only(entries, 'length'))
  if (length === undefined || length < lengthMin || length > lengthMax)
    throw refusal(`passwords must be between ${lengthMin} and ${lengthMax} characters`)
  return { length, rules }
}

/** `rule "charset" { … }`, or what JSON makes of several. */
function ruleBlocks(entry: HclEntry): readonly CharsetRule[] {
  const named = blocks(entry).flatMap(block => block.entries)
  return named.flatMap(rule => {
    if (rule.key !== 'charset') throw refusePolicy(rule.line, `unknown rule ${quoted(rule.key)}, expected "charset"`)
    return blocks(rule).map(block => charsetRule(block, rule.line))
  })
}

function charsetRule({ entries }: HclObject, line: number): CharsetRule {
  refuseUnknown(entries, ['charset', 'min-chars'])
  const written = only(entries, 'charset')
  const charset = written ? [...new Set(text(written).split(''))].join('') : ''
  if (charset === '') throw refusePolicy(line, 'a rule needs a charset')
  // Other characters have several encodings, and SCRAM, terminals and files each choose their own.
  if (!/^[\x20-\x7e]*$/.test(charset)) throw refusePolicy(written?.line ?? line, 'charset: expected printable ASCII characters')
  const min = only(entries, 'min-chars')
  const charactersMin = min ? wholeNumber(min) : 0
  if (charactersMin === undefined || charactersMin > lengthMax)
    throw refusePolicy(min?.line ?? line, `min-chars: expected a number from 0 to ${lengthMax}`)
  return { charset, charactersMin }
}

/** The one entry of that key. Of two that contradict each other none is believed. */
function only(entries: readonly HclEntry[], key: string): HclEntry | undefined {
  const [first, second] = entries.filter(entry => entry.key === key)
  if (second) throw refusePolicy(second.line, `"${key}" stands twice`)
  return first
}

function wholeNumber(entry: HclEntry | undefined): number | undefined {
  return typeof entry?.value === 'number' && Number.isInteger(entry.value) && entry.value >= 0 ? entry.value : undefined
}

function refuseUnknown(entries: readonly HclEntry[], known: readonly string[]): void {
  const unknown = entries.find(entry => !known.includes(entry.key))
  if (unknown) throw refusePolicy(unknown.line, `unknown key ${quoted(unknown.key)}, known are ${known.join(', ')}`)
}

const refusal = (message: string): BrokerError => new BrokerError('invalid_request', message)

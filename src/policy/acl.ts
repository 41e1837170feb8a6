import { BrokerError } from '../contracts/errors.ts'
import type { Capability } from './capability.ts'
import { compareWildcards, toWildcard } from './wildcard.ts'
import type { Wildcard } from './wildcard.ts'
import type { Policy, Rule } from './rule.ts'
import { hasTemplate, fillTemplate } from './template.ts'
import type { TemplateValues } from './template.ts'
import { uniteRules } from './unite-rules.ts'

/** All that the policies of one caller say about one path. */
export interface Grant extends Rule {
  readonly writtenBy: readonly string[]
  /** Who said what: a capability -> the names of the policies that list it. */
  readonly grantedBy: ReadonlyMap<Capability, readonly string[]>
}

export interface WildcardGrant {
  readonly wildcard: Wildcard
  readonly grant: Grant
}

/** Many policies, compiled to answer "which one rule decides this path" in a few look-ups.
 *
 *  The ranking of wildcard rules does not depend on the request, and its first criterion is where the first `+` or `*` stands, that is, the length of the
 *  head before it. So the rules lie in buckets by head, each sorted by the other criteria; a request tries the heads from the longest to the shortest, and
 *  the first rule that matches is the highest of all that match. */
export interface Acl {
  /** The policy `root`: passes everything. */
  readonly root: boolean
  readonly exact: ReadonlyMap<string, Grant>
  readonly byHead: ReadonlyMap<string, readonly WildcardGrant[]>
  /** Longest first. */
  readonly headLengths: readonly number[]
  /** The same with every path in lower case, where some are not. */
  readonly lowered?: Acl
}

const noValues: TemplateValues = () => undefined

/** `values` fills the templates in paths; without it, and where a value is missing or unfit, the rule is dropped. */
export function compileAcl(policies: readonly Policy[], values: TemplateValues = noValues): Acl {
  const root = policies.some(policy => policy.name === 'root')
  // A token is made with root alone, so a mixture was not made here: no right comes of it.
  if (root && policies.length > 1) throw new BrokerError('integrity', 'the policy root stands beside others')
  const acl = aclOf(root, gatherGrants(policies, values))
  const hasCapitals = [...acl.exact.keys(), ...acl.byHead.values().flatMap(all => all.map(({ grant }) => grant.path))].some(isNotLower)
  return hasCapitals
    ? {
        ...acl,
        lowered: aclOf(
          root,
          gatherGrants(policies, values, path => path.toLowerCase())
        )
      }
    : acl
}

const isNotLower = (path: string): boolean => path !== path.toLowerCase()

function aclOf(root: boolean, grants: readonly Gathered[]): Acl {
  const byHead = bucketsByHead(grants)
  return {
    root,
    exact: new Map(grants.filter(({ wildcard }) => !wildcard).map(({ grant }) => [grant.path, grant])),
    byHead,
    headLengths: [...new Set([...byHead.keys()].map(head => head.length))].toSorted((a, b) => b - a)
  }
}

interface Gathered {
  readonly grant: Grant
  readonly wildcard: Wildcard | undefined
}

interface Source {
  readonly policy: string
  readonly rule: Rule
}

function gatherGrants(policies: readonly Policy[], values: TemplateValues, form = (path: string): string => path): readonly Gathered[] {
  const said = new Map<string, Source[]>()
  for (const policy of policies) {
    for (const rule of policy.rules) {
      const path = hasTemplate(rule.path) ? fillTemplate(rule.path, values) : rule.path
      if (path !== undefined) said.getOrInsertComputed(form(path), () => []).push({ policy: policy.name, rule })
    }
  }
  return [...said].map(([path, sources]) => ({ grant: toGrant(path, sources), wildcard: toWildcard(path) }))
}

function toGrant(path: string, sources: readonly Source[]): Grant {
  const rules = sources.map(source => source.rule)
  const united = uniteRules(path, rules)
  const names = (said: readonly Source[]) => [...new Set(said.map(({ policy }) => policy))]
  const grantedBy = [...united.capabilities].map(
    capability => [capability, names(sources.filter(({ rule }) => rule.capabilities.has(capability)))] as const
  )
  return { ...united, writtenBy: names(sources), grantedBy: new Map(grantedBy) }
}

function bucketsByHead(grants: readonly Gathered[]): ReadonlyMap<string, readonly WildcardGrant[]> {
  const buckets = new Map<string, WildcardGrant[]>()
  for (const { wildcard, grant } of grants) {
    if (wildcard) buckets.getOrInsertComputed(wildcard.head, () => []).push({ wildcard, grant })
  }
  for (const bucket of buckets.values()) bucket.sort((a, b) => compareWildcards(b.wildcard, a.wildcard))
  return buckets
}

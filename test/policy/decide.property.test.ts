import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { decide } from '../../src/policy/decide.ts'
import { aclOf, rules } from './acl-of.ts'

type Paths = Record<string, string[]>

// The oracle: the rules of the language, word by word, by regular expression and without a thought for speed.
function naive(policies: readonly Paths[], path: string, verb: string): boolean {
  const granted = (rule: string) => policies.flatMap(paths => (Object.hasOwn(paths, rule) ? paths[rule]! : []))
  const written = [...new Set(policies.flatMap(paths => Object.keys(paths)))]
  const exact = (asked: string) => written.filter(rule => !isWild(rule) && rule === asked)
  const wild = (asked: string) =>
    written
      .filter(rule => isWild(rule) && covers(rule, asked))
      .toSorted(lower)
      .slice(-1)
  const bare = path.replace(/\/$/, '')
  const spellings = verb === 'list' ? [`${bare}/`, bare] : [path]
  const winners = [spellings.flatMap(exact), spellings.flatMap(wild)].find(found => found.length > 0) ?? []
  if (winners.some(rule => granted(rule).includes('deny'))) return false
  return winners.length > 0 && granted(winners[0]!).includes(verb)
}

function isWild(rule: string): boolean {
  return rule.endsWith('*') || rule.split('/').includes('+')
}

function covers(rule: string, asked: string): boolean {
  const segments = rule.replace(/\*$/, '').split('/')
  const pattern = segments.map(segment => (segment === '+' ? '[^/]*' : RegExp.escape(segment))).join('/')
  return new RegExp(`^${pattern}${rule.endsWith('*') ? '.*' : ''}$`).test(asked)
}

function lower(a: string, b: string): number {
  const [one, other] = [rank(a), rank(b)]
  const differs = one.findIndex((value, at) => value !== other[at])
  if (differs === -1) return a < b ? -1 : 1
  return one[differs]! - other[differs]!
}

function rank(rule: string): readonly number[] {
  return [rule.search(/[+*]/), rule.endsWith('*') ? 0 : 1, 1 - rule.split('+').length, rule.replace(/\*$/, '').length]
}

// Few letters and few segments, so that rules meet.
const segment = fc.constantFrom('a', 'b', 'ab', '+')
const rulePath = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 4 }), fc.constantFrom('', '', '*', '/', '/*'))
  .map(([segments, end]) => segments.join('/') + end)
  .filter(path => !path.includes('+*'))
const verbs = ['read', 'update', 'list'] as const
const capabilities = fc.subarray([...verbs, 'deny'], { minLength: 0 }).chain(list =>
  // A deny in every second rule would decide nearly everything.
  fc.constantFrom(
    list,
    list.filter(word => word !== 'deny')
  )
)
const policy = fc.dictionary(rulePath, capabilities, { maxKeys: 8 })
const asked = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', 'ab', 'c'), { minLength: 1, maxLength: 4 }), fc.constantFrom('', '', '/'))
  .map(([segments, end]) => segments.join('/') + end)

test('random policies decide as the naive evaluator says', () => {
  const seen = { allowed: 0, denied: 0 }
  fc.assert(
    fc.property(fc.array(policy, { minLength: 1, maxLength: 3 }), fc.array(asked, { minLength: 1, maxLength: 8 }), (policies, paths) => {
      const acl = aclOf(...policies.map(paths => rules(paths)))
      for (const path of paths) {
        for (const capability of verbs) {
          const { allowed } = decide(acl, { path, capability })
          expect({ path, capability, allowed }).toEqual({ path, capability, allowed: naive(policies, path, capability) })
          seen[allowed ? 'allowed' : 'denied'] += 1
        }
      }
    }),
    { numRuns: 3_000 }
  )
  // Both answers must be common, or the property says little.
  expect(Math.min(seen.allowed, seen.denied)).toBeGreaterThan(2_000)
})

test('the order of policies means nothing', () => {
  fc.assert(
    fc.property(fc.array(policy, { minLength: 2, maxLength: 3 }), asked, fc.constantFrom(...verbs), (policies, path, capability) => {
      const texts = policies.map(paths => rules(paths))
      const one = decide(aclOf(...texts), { path, capability })
      const other = decide(aclOf(...texts.toReversed()), { path, capability })
      expect([other.allowed, other.rule]).toEqual([one.allowed, one.rule])
    })
  )
})

test('a deny of exactly the path asked for takes every right away', () => {
  fc.assert(
    fc.property(policy, asked, fc.constantFrom(...verbs), (paths, path, capability) => {
      expect(decide(aclOf(rules(paths), rules({ [path]: ['deny'] })), { path, capability }).allowed).toBe(false)
    })
  )
})

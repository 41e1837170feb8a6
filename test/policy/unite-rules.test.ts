import { expect, test } from 'vitest'
import { decide } from '../../src/policy/decide.ts'
import { aclOf, rules } from './acl-of.ts'

const update = (parameters: Record<string, string>) => ({ path: 'a', capability: 'update', parameters }) as const
const allowing = (values: string) => `path "a" { capabilities = ["update"] allowed_parameters = { "ttl" = [${values}] } }`
const denying = (values: string) => `path "a" { capabilities = ["update"] denied_parameters = { "x" = [${values}] } }`
const requiring = (name: string) => `path "a" { capabilities = ["update"] required_parameters = ["${name}"] }`
const bounded = (min: string, max: string) => `path "a" { capabilities = ["read"] min_wrapping_ttl = "${min}" max_wrapping_ttl = "${max}" }`
const attribute = (at: number) => `allowed_parameters = { "p${at}" = ["a"], "q" = ["b${at}"] }\n`

test('capabilities of the same path in several policies add up, and each is credited to who gave it', () => {
  const acl = aclOf(rules({ a: ['read', 'list'] }), rules({ a: ['update', 'list'] }))
  expect(decide(acl, { path: 'a', capability: 'read' })).toEqual({ allowed: true, rule: 'a', policies: ['one'] })
  expect(decide(acl, { path: 'a', capability: 'update' })).toEqual({ allowed: true, rule: 'a', policies: ['two'] })
  expect(decide(acl, { path: 'a', capability: 'list' })).toEqual({ allowed: true, rule: 'a', policies: ['one', 'two'] })
})

test('a deny in any policy leaves only the deny', () => {
  for (const texts of [
    [rules({ a: ['read'] }), rules({ a: ['deny'] })],
    [rules({ a: ['deny'] }), rules({ a: ['read'] })]
  ]) {
    const decision = decide(aclOf(...texts), { path: 'a', capability: 'read' })
    expect(decision).toMatchObject({ allowed: false, reason: 'the rule denies' })
    expect(decision.policies).toHaveLength(1)
  }
})

test('a deny beside other capabilities in one list denies', () => {
  expect(decide(aclOf(rules({ a: ['read', 'deny'] })), { path: 'a', capability: 'read' })).toMatchObject({ reason: 'the rule denies' })
})

test('a path said twice in one policy is united', () => {
  const acl = aclOf('path "a" { capabilities = ["read"] } path "/a" { capabilities = ["list"] }')
  expect(decide(acl, { path: 'a', capability: 'read' }).allowed).toBe(true)
  expect(decide(acl, { path: 'a', capability: 'list' }).allowed).toBe(true)
})

test('the same path as a prefix and as an exact rule is not united', () => {
  const acl = aclOf(rules({ 'a/': ['read'] }), rules({ 'a/*': ['deny'] }))
  expect(decide(acl, { path: 'a/', capability: 'read' }).allowed).toBe(true)
  expect(decide(acl, { path: 'a/b', capability: 'read' }).allowed).toBe(false)
})

test.each([
  ['1h with 2h allows both and no more', ['"1h"', '"2h"'], { '1h': true, '2h': true, '3h': false }],
  ['1h with any allows any', ['"1h"', ''], { '1h': true, '3h': true }],
  ['any with 1h allows any', ['', '"1h"'], { '1h': true, '3h': true }]
])('allowed values: %s', (_title, [one, two], expected) => {
  const acl = aclOf(allowing(one ?? ''), allowing(two ?? ''))
  for (const [ttl, allowed] of Object.entries(expected)) expect(decide(acl, update({ ttl })).allowed).toBe(allowed)
})

test('one policy with allowed parameters and one without: the restriction stays', () => {
  for (const texts of [
    [allowing('"1h"'), rules({ a: ['update'] })],
    [rules({ a: ['update'] }), allowing('"1h"')]
  ]) {
    expect(decide(aclOf(...texts), update({ ttl: '1h' })).allowed).toBe(true)
    expect(decide(aclOf(...texts), update({ ttl: '2h' })).allowed).toBe(false)
    expect(decide(aclOf(...texts), update({ other: 'x' })).allowed).toBe(false)
  }
})

test('denied values add up, and an empty list denies any', () => {
  const both = aclOf(denying('"a"'), denying('"b"'))
  expect(['a', 'b', 'c'].map(x => decide(both, update({ x })).allowed)).toEqual([false, false, true])
  expect(decide(aclOf(denying('"a"'), denying('')), update({ x: 'c' })).allowed).toBe(false)
})

test('required parameters add up', () => {
  const acl = aclOf(requiring('x'), requiring('y'))
  expect(decide(acl, update({ x: '1' }))).toMatchObject({ allowed: false, reason: 'a required parameter is missing', parameter: 'y' })
  expect(decide(acl, update({ x: '1', y: '1' })).allowed).toBe(true)
})

test('the lowest bounds of the wrap TTL count, and a policy without bounds lifts none', () => {
  const acl = aclOf(bounded('2m', '1h'), bounded('1m', '0'), rules({ a: ['read'] }))
  const allowed = (wrapSeconds: number) => decide(acl, { path: 'a', capability: 'read', wrapSeconds }).allowed
  expect([0, 59, 60, 3600, 3601].map(allowed)).toEqual([false, false, true, true, false])
})

test('bounds that together leave no wrap TTL deny everything', () => {
  const acl = aclOf(
    'path "a" { capabilities = ["read"] min_wrapping_ttl = "1h" }',
    'path "a" { capabilities = ["read"] max_wrapping_ttl = "1m" }'
  )
  for (const wrapSeconds of [0, 60, 3600]) expect(decide(acl, { path: 'a', capability: 'read', wrapSeconds }).allowed).toBe(false)
})

test('thousands of repetitions of a path and of its keys are united in a moment', () => {
  const inside = `path "a" {\n capabilities = ["update"]\n${Array.from({ length: 15_000 }, (_, at) => attribute(at)).join('')}}`
  const beside = Array.from({ length: 10_000 }, (_, at) => `path "a" { allowed_parameters { "r${at}" = [] } }`).join('\n')
  const acl = aclOf(inside, beside)
  expect(decide(acl, update({ p14999: 'a', q: 'b7', r9999: 'anything' })).allowed).toBe(true)
  expect(decide(acl, update({ p14999: 'b' })).allowed).toBe(false)
}, 5_000)

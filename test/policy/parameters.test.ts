import { expect, test } from 'vitest'
import type { JsonObject } from '../../src/contracts/json.ts'
import { decide } from '../../src/policy/decide.ts'
import { aclOf } from './acl-of.ts'

const all = '["create", "read", "update", "patch", "delete", "list", "scan"]'

function reason(
  restrictions: string,
  parameters?: JsonObject,
  capability: 'read' | 'create' | 'update' | 'patch' | 'delete' | 'list' = 'update'
) {
  const acl = aclOf(`path "a" { capabilities = ${all} ${restrictions} }`)
  const decision = decide(acl, { path: 'a', capability, ...(parameters && { parameters }) })
  return decision.allowed ? 'allowed' : decision.reason
}

test.each<[string, string, JsonObject, string]>([
  ['a denied star denies every parameter', 'denied_parameters = { "*" = [] }', { x: 1 }, 'a parameter is denied'],
  ['a denied star with values still denies every parameter', 'denied_parameters = { "*" = ["y"] }', { x: 1 }, 'a parameter is denied'],
  ['a denied name denies any value', 'denied_parameters = { "x" = [] }', { x: 'v' }, 'a parameter is denied'],
  ['a denied value denies itself', 'denied_parameters = { "x" = ["v"] }', { x: 'v' }, 'a parameter is denied'],
  ['a denied value lets others pass', 'denied_parameters = { "x" = ["v"] }', { x: 'w' }, 'allowed'],
  ['a denied name lets other names pass', 'denied_parameters = { "x" = [] }', { y: 'v' }, 'allowed'],
  ['names compare in lower case', 'denied_parameters = { "X" = [] }', { x: 'v' }, 'a parameter is denied'],
  ['a spelling in capitals does not get round a denied name', 'denied_parameters = { "x" = [] }', { X: 'v' }, 'a parameter is denied'],
  ['what is not listed is not allowed', 'allowed_parameters = { "x" = [] }', { y: 1 }, 'a parameter is not allowed'],
  ['one listed and one not is not allowed', 'allowed_parameters = { "x" = [] }', { x: 1, y: 1 }, 'a parameter is not allowed'],
  ['a listed name with an empty list takes any value', 'allowed_parameters = { "x" = [] }', { x: { deep: [1] } }, 'allowed'],
  ['a listed value is allowed', 'allowed_parameters = { "ttl" = ["15m", "1h"] }', { ttl: '1h' }, 'allowed'],
  ['another value is not', 'allowed_parameters = { "ttl" = ["15m", "1h"] }', { ttl: '2h' }, 'a parameter is not allowed'],
  ['a null is not one of the values', 'allowed_parameters = { "ttl" = ["15m"] }', { ttl: null }, 'a parameter is not allowed'],
  ['with a star other names pass', 'allowed_parameters = { "ttl" = ["1h"], "*" = [] }', { y: 1 }, 'allowed'],
  [
    'with a star the listed values still bind',
    'allowed_parameters = { "ttl" = ["1h"], "*" = [] }',
    { ttl: '2h' },
    'a parameter is not allowed'
  ],
  ['an empty map of allowed parameters restricts nothing', 'allowed_parameters = {}', { x: 1 }, 'allowed'],
  ['denied beats allowed', 'allowed_parameters = { "x" = [] } denied_parameters = { "x" = [] }', { x: 1 }, 'a parameter is denied'],
  ['a required parameter must be there', 'required_parameters = ["ttl"]', { x: 1 }, 'a required parameter is missing'],
  ['a required parameter that is there is enough', 'required_parameters = ["TTL"]', { ttl: '' }, 'allowed'],
  ['a null is not there', 'required_parameters = ["ttl"]', { ttl: null }, 'a required parameter is missing'],
  ['another spelling is not there', 'required_parameters = ["ttl"]', { TTL: '1h' }, 'a required parameter is missing'],
  ['a name of the prototype is not there', 'required_parameters = ["constructor"]', {}, 'a required parameter is missing'],
  ['a name of the prototype is not listed', 'allowed_parameters = { "x" = [] }', { constructor: 1 }, 'a parameter is not allowed']
])('%s', (_title, restrictions, parameters, expected) => {
  expect(reason(restrictions, parameters)).toBe(expected)
})

test.each<[string, JsonObject[string], boolean]>([
  ['"root*"', 'rooted', true],
  ['"root*"', 'root', true],
  ['"root*"', 'unroot', false],
  ['"*root"', 'unroot', true],
  ['"*root"', 'rooted', false],
  ['"*root*"', 'unrooted', true],
  ['"r*t"', 'root', false],
  ['"r*t"', 'r*t', true],
  ['"*"', 'anything', false],
  ['"*"', '*', true],
  ['"**"', 'anything', true],
  ['"Root"', 'root', false],
  ['"1"', 1, false],
  ['1', '1', false],
  ['1', 1, true],
  ['1.5', 1.5, true],
  ['true', true, true],
  ['true', 'true', false],
  ['"true"', true, false],
  ['["a", 1]', ['a', 1], true],
  ['["a", 1]', ['a', '1'], false],
  ['["a"]', ['a', 'b'], false],
  ['["a*"]', ['ab'], false],
  ['{ k = "v" }', { k: 'v' }, true],
  ['{ k = "v" }', { k: 'v', l: 1 }, false],
  ['{ k = "v" }', ['v'], false],
  ['["a"]', 'a', false]
])('the listed value %s and the sent value %j: equal is %s', (listed, sent, equal) => {
  expect(reason(`allowed_parameters = { "x" = [${listed}] }`, { x: sent })).toBe(equal ? 'allowed' : 'a parameter is not allowed')
  expect(reason(`denied_parameters = { "x" = [${listed}] }`, { x: sent })).toBe(equal ? 'a parameter is denied' : 'allowed')
})

test('a request without parameters passes allowed and denied, not required', () => {
  expect(reason('allowed_parameters = { "x" = ["1"] } denied_parameters = { "*" = [] }')).toBe('allowed')
  expect(reason('required_parameters = ["ttl"]')).toBe('a required parameter is missing')
})

test('parameters are looked at for read, create, update and patch only', () => {
  const restricted = 'denied_parameters = { "*" = [] } required_parameters = ["ttl"]'
  for (const verb of ['read', 'create', 'update', 'patch'] as const)
    expect(reason(restricted, { ttl: '1h' }, verb)).toBe('a parameter is denied')
  for (const verb of ['delete', 'list'] as const) expect(reason(restricted, { ttl: '1h' }, verb)).toBe('allowed')
})

test.each([
  ['min_wrapping_ttl = "1m"', [false, false, true, true]],
  ['max_wrapping_ttl = "1m"', [false, true, true, false]],
  ['min_wrapping_ttl = "1m" max_wrapping_ttl = 60', [false, false, true, false]],
  ['min_wrapping_ttl = "0s" max_wrapping_ttl = ""', [true, true, true, true]]
])('%s decides over the wrap TTLs 0, 59, 60 and 61', (bounds, expected) => {
  const acl = aclOf(`path "a" { capabilities = ${all} ${bounds} }`)
  for (const capability of ['read', 'delete', 'list', 'update'] as const) {
    expect([0, 59, 60, 61].map(wrapSeconds => decide(acl, { path: 'a', capability, wrapSeconds }).allowed)).toEqual(expected)
  }
})

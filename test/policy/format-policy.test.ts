import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatPolicy } from '../../src/policy/format-policy.ts'
import { parsePolicy } from '../../src/policy/parse-policy.ts'

test('a policy as people write it becomes a policy as people read it', () => {
  const written = `# first
path "a/*" {capabilities=["read","list"]   # why
  required_parameters = ["x"]
allowed_parameters = { "ttl" = [], "name" = ["a","b"]
   "*"=[] }


   // c
   min_wrapping_ttl="1m" max_wrapping_ttl = 120 }
path "b"   { capabilities = [ # all
 "read",
    "list" ] }
path "c" {}
/* block
   comment */
path "d" { policy = "deny" }`
  expect(formatPolicy(written)).toBe(`# first
path "a/*" {
  capabilities        = ["read", "list"] # why
  required_parameters = ["x"]
  allowed_parameters = {
    "ttl"  = []
    "name" = ["a", "b"]
    "*"    = []
  }

  // c
  min_wrapping_ttl = "1m"
  max_wrapping_ttl = 120
}

path "b" {
  capabilities = [ # all
    "read",
    "list"
  ]
}

path "c" {}

/* block
   comment */
path "d" {
  policy = "deny"
}
`)
})

test('JSON is laid out as JSON', () => {
  expect(formatPolicy('{"path":{"a":{"capabilities":["read"]}}}')).toBe(
    '{\n  "path": {\n    "a": {\n      "capabilities": [\n        "read"\n      ]\n    }\n  }\n}\n'
  )
})

test('JSON that says a key twice is left alone: the deny of one would be lost', () => {
  expect(() => formatPolicy('{"path":{"a":{"capabilities":["deny"]},"a":{"capabilities":["read"]}}}')).toThrow(
    /cannot be formatted without another meaning/
  )
})

test('what is no policy is refused with its line', () => {
  expect(() => formatPolicy('path "a" {\n  capabilities = [read]\n}')).toThrow('failed to parse policy: line 2: a value without quotes')
})

const space = fc.constantFrom('', ' ', '\n', '\n\n\n', '\t', ' # c\n', ' // d\n', ' /* e */ ', '\r\n')
const text = fc.string({ maxLength: 6 }).map(words => JSON.stringify(words.replaceAll(/[^ -~]/g, '')))
const list = fc
  .tuple(fc.array(fc.tuple(space, text, space), { maxLength: 3 }), fc.constantFrom('', ','))
  .map(([items, end]) => `[${items.map(item => item.join('')).join(',')}${items.length > 0 ? end : ''}]`)
const rule = fc
  .tuple(
    space,
    fc.constantFrom('path "a/+/b"', 'path "x*"'),
    space,
    fc.array(
      fc.tuple(space, fc.constantFrom('capabilities', 'required_parameters'), space, list, fc.constantFrom('\n', ' ', ',', ' # z\n')),
      { maxLength: 3 }
    ),
    space
  )
  .map(
    ([before, head, gap, entries, after]) =>
      `${before}${head}${gap}{${entries.map(([a, key, b, value, c]) => `${a}${key}${b}=${value}${c}`).join('')}${after}}`
  )

/** Whether the text says something else now, or anything when it is formatted once more. */
test('whatever the spaces and comments, the meaning stays, no comment is lost, and a second time changes nothing', () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 3 }), rules => {
      const before = rules.join('\n')
      const after = formatPolicy(before)
      expect(after.match(/# c|\/\/ d|\/\* e|# z/g)?.length).toBe(before.match(/# c|\/\/ d|\/\* e|# z/g)?.length)
      expect(formatPolicy(after)).toBe(after)
    }),
    { numRuns: 500 }
  )
})

test('the rules of the formatted text are the rules of the text', () => {
  const before = 'path "a" { capabilities = ["read","sudo"] allowed_parameters = { "x" = [1, true, null] } }'
  expect(parsePolicy('p', formatPolicy(before))).toEqual(parsePolicy('p', before))
})

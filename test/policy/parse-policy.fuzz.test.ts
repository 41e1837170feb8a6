import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { BrokerError } from '../../src/contracts/errors.ts'
import { compileAcl } from '../../src/policy/acl.ts'
import { decide } from '../../src/policy/decide.ts'
import { parsePolicy } from '../../src/policy/parse-policy.ts'

const words = [
  'path',
  'name',
  '"a/*"',
  '"+"',
  '"{{identity.entity.id}}"',
  '"\\u00e9"',
  'capabilities',
  'policy',
  '"read"',
  '"deny"',
  'allowed_parameters',
  'min_wrapping_ttl',
  '"1h"',
  '{',
  '}',
  '[',
  ']',
  '=',
  ':',
  ',',
  '#',
  '//',
  '/*',
  '*/',
  '\n',
  '"',
  '\\',
  '1',
  '-1e3',
  'true',
  'null',
  '__proto__',
  '"__proto__"',
  '<<EOF',
  '\0',
  '\ud800'
]
const soup = fc.array(fc.constantFrom(...words), { maxLength: 40 }).map(picked => picked.join(' '))
const valid = '{"path":{"a/*":{"capabilities":["read"],"allowed_parameters":{"x":["1",2]}},"b":{"policy":"deny","max_wrapping_ttl":"1h"}}}'
const damaged = fc
  .tuple(fc.nat(valid.length), fc.nat(8), fc.string({ maxLength: 4 }))
  .map(([at, removed, put]) => valid.slice(0, at) + put + valid.slice(at + removed))

/** Either a policy that can be compiled and asked, or a refusal that names no cause but the text. */
function holds(text: string): void {
  try {
    const acl = compileAcl([parsePolicy('fuzz', text)])
    decide(acl, { path: 'a/b', capability: 'read', parameters: { x: '1' } })
  } catch (error) {
    expect(error).toBeInstanceOf(BrokerError)
    expect(error).toMatchObject({ code: 'invalid_request', message: expect.stringMatching(/^failed to parse policy: /) })
  }
}

test('any text is a policy or a refusal', () => {
  fc.assert(fc.property(fc.oneof(soup, damaged, fc.string({ unit: 'binary' }), fc.json()), holds), { numRuns: 5_000 })
})

test.each([
  ['open braces', '{'.repeat(1_000_000)],
  ['open lists', `path "a" { capabilities = ${'['.repeat(1_000_000)}`],
  ['open comments', '/*'.repeat(500_000)],
  ['open strings', '"\n'.repeat(500_000)],
  ['blanks', ' '.repeat(1_000_000)],
  ['comment lines', '#\n'.repeat(500_000)],
  ['one long string', `path "${'a'.repeat(1_000_000)}" {}`],
  ['one long string of escapes', `path "${String.raw`\n`.repeat(500_000)}" {}`],
  ['one long path of segments', `path "${'+/'.repeat(500_000)}" {}`],
  ['one long path of templates', `path "${'{{identity.entity.id}}'.repeat(45_000)}" {}`],
  ['one long path of open templates', `path "${'{{'.repeat(500_000)}" {}`],
  ['one long number', `path "a" { denied_parameters = { x = [${'1'.repeat(1_000_000)}] } }`],
  ['one long duration', `path "a" { min_wrapping_ttl = "${'1h'.repeat(500_000)}" }`],
  ['labels', `path ${'"a" '.repeat(250_000)}`],
  ['commas', ','.repeat(1_000_000)],
  ['many paths', 'path "a/+/b" { policy = "read" }\n'.repeat(32_000)]
])('a megabyte of %s is read or refused in a moment', (_title, text) => {
  const before = performance.now()
  holds(text)
  // A hundredth of what quadratic work would take; a slow machine is not a failure.
  expect(performance.now() - before).toBeLessThan(5_000)
})

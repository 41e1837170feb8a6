import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { BrokerError } from '../../../../src/contracts/index.ts'
import { nameByTemplate, refuseUserNameTemplate } from '../../../../plugins/database/name/user-name-template.ts'
import { systemRandom } from '../../../../src/system-clock.ts'

const world = { now: Temporal.Instant.from('2026-11-22T21:00:00Z'), random: systemRandom, bytesMax: 63 }

const size = fc.integer({ min: 0, max: 70 }).map(String)
const literal = fc.constantFrom('"a"', '"-"', '`_`', '"%s"', '.RoleName', '.DisplayName', 'unix_time', 'uuid', '5')
const expression = fc.letrec<{ one: string }>(tie => ({
  one: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    literal,
    size.map(n => `(random ${n})`),
    fc.tuple(tie('one'), size).map(([one, n]) => `(${one} | truncate ${n})`),
    fc.tuple(tie('one'), size).map(([one, n]) => `(truncate_sha256 ${n} ${one})`),
    fc
      .tuple(fc.constantFrom('uppercase', 'lowercase', 'sha256', 'hex', 'base64', 'decode_hex', 'timestamp', 'len'), tie('one'))
      .map(([f, one]) => `(${f} ${one})`),
    fc.tuple(tie('one'), tie('one')).map(([a, b]) => `(printf "%s-%v" ${a} ${b})`),
    fc.tuple(tie('one'), tie('one')).map(([a, b]) => `(replace "-" ${a} ${b})`)
  )
})).one
const action = fc.oneof(
  expression.map(one => `{{${one}}}`),
  fc.tuple(expression, expression).map(([a, b]) => `{{if eq .RoleName "x"}}{{${a}}}{{else}}{{${b}}}{{end}}`),
  fc.constantFrom('v-', ' ', 'x".', '{{end}}')
)
const template = fc.array(action, { minLength: 1, maxLength: 4 }).map(parts => parts.join(''))

test('a template that is taken makes names that fit, are plain, and never come twice', () => {
  let taken = 0
  fc.assert(
    fc.property(template, fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ maxLength: 200 }), (text, displayName, roleName) => {
      try {
        refuseUserNameTemplate(text, world)
      } catch (error) {
        expect(error).toBeInstanceOf(BrokerError)
        expect(error).toMatchObject({ code: 'invalid_request' })
        return
      }
      taken += 1
      const names = Array.from({ length: 20 }, () => nameByTemplate(text, { ...world, displayName, roleName }))
      for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_-]{8,63}$/)
      expect(new Set(names).size).toBe(20)
    }),
    { numRuns: 2_000 }
  )
  expect(taken).toBeGreaterThan(50)
})

test('whatever is written, there is an answer at once, and a refusal says where', () => {
  const pieces = fc.constantFrom(
    '{{',
    '}}',
    '{{-',
    '-}}',
    '|',
    '(',
    ')',
    '"',
    '`',
    '.RoleName',
    'random 20',
    'truncate',
    '8',
    'if',
    'else',
    'end',
    'eq',
    ' ',
    '\\',
    '%s',
    'printf',
    '$',
    'x',
    'é',
    '\u0000'
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(pieces, { maxLength: 40 }).map(all => all.join('')),
        fc.string({ unit: 'binary' })
      ),
      text => {
        try {
          refuseUserNameTemplate(text, world)
        } catch (error) {
          expect(error).toMatchObject({
            code: 'invalid_request',
            message: expect.stringMatching(/^character \d+: |bits of its names are random|it makes /)
          })
        }
      }
    ),
    { numRuns: 2_000 }
  )
})

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BrokerError } from '../../../src/contracts/index.ts'
import { generatePassword } from '../../../src/policy/password/generate-password.ts'
import { parsePasswordPolicy } from '../../../src/policy/password/parse-password-policy.ts'
import { defaultPasswordPolicy } from '../../../src/policy/password/password-policy.ts'
import { tryPolicy } from '../../../src/policy/password/try-policy.ts'
import { systemRandom } from '../../../src/system-clock.ts'
import { seededRandom } from '../../sim/seeded-random.ts'

const printable = fc.string({ unit: fc.integer({ min: 32, max: 126 }).map(code => String.fromCharCode(code)), minLength: 1, maxLength: 95 })
const policies = fc.record({
  length: fc.integer({ min: 4, max: 100 }),
  rules: fc.array(fc.record({ charset: printable, min: fc.integer({ min: 0, max: 6 }) }), { minLength: 1, maxLength: 6 })
})

const written = (policy: { length: number; rules: readonly { charset: string; min: number }[] }): string =>
  [
    `length = ${policy.length}`,
    ...policy.rules.map(({ charset, min }) => `rule "charset" { charset = ${JSON.stringify(charset)} min-chars = ${min} }`)
  ].join('\n')

const count = (password: string, charset: string): number => password.split('').filter(one => charset.includes(one)).length

describe('a password by a policy', () => {
  test('keeps every rule, or the policy was refused when it was written', () => {
    fc.assert(
      fc.property(policies, fc.integer(), (asked, seed) => {
        const policy = parsePasswordPolicy(written(asked))
        const random = seededRandom(seed)
        try {
          tryPolicy(policy, random)
        } catch (error) {
          expect(error).toBeInstanceOf(BrokerError)
          expect((error as Error).message).toMatch(/^unable to construct test password from provided policy: are the rules impossible\?/)
          return
        }
        const password = generatePassword(policy, random)
        expect(password).toHaveLength(asked.length)
        for (const { charset, min } of asked.rules) expect(count(password, charset)).toBeGreaterThanOrEqual(min)
        const all = asked.rules.map(({ charset }) => charset).join('')
        expect(count(password, all)).toBe(asked.length)
      }),
      { numRuns: 60 }
    )
  })

  test('whatever text is sent, there is a policy or a refusal that names it', () => {
    const pieces = fc.constantFrom(
      'length',
      '=',
      '20',
      'rule',
      '"charset"',
      'charset',
      'min-chars',
      '{',
      '}',
      '[',
      ']',
      '"abc"',
      '"',
      '\n',
      ',',
      ':',
      '-',
      '\u0000',
      'ü',
      '\ud800'
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(pieces, { maxLength: 24 }).map(all => all.join(' ')),
          fc.string({ unit: 'binary' })
        ),
        text => {
          try {
            expect(parsePasswordPolicy(text).rules.length).toBeGreaterThan(0)
          } catch (error) {
            expect(error).toMatchObject({
              code: 'invalid_request',
              message: expect.stringMatching(/^invalid password policy: |^passwords must be between/)
            })
          }
        }
      ),
      { numRuns: 400 }
    )
  })

  test('draws each character equally often, however many rules name it', () => {
    const policy = parsePasswordPolicy(
      'length = 100 rule "charset" { charset = "abc" } rule "charset" { charset = "abcd" } rule "charset" { charset = "a" }'
    )
    const counts = new Map<string, number>()
    for (let i = 0; i < 400; i += 1)
      for (const one of generatePassword(policy, seededRandom(i))) counts.set(one, (counts.get(one) ?? 0) + 1)
    expect([...counts.keys()].toSorted()).toEqual(['a', 'b', 'c', 'd'])
    // 40,000 draws of four: 10,000 each, and 87 are one standard deviation.
    for (const drawn of counts.values()) expect(Math.abs(drawn - 10_000)).toBeLessThan(450)
  })

  test('that nobody chose has 20 characters, one of each kind, and does not begin like an option', () => {
    const passwords = Array.from({ length: 2_000 }, () => generatePassword(defaultPasswordPolicy, systemRandom))
    for (const password of passwords) expect(password).toMatch(/^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])(?=.*-)[A-Za-z0-9][A-Za-z0-9-]{19}$/)
    expect(new Set(passwords).size).toBe(passwords.length)
  })
})

const rule = (charset: string, min: number): string => `rule "charset" { charset = "${charset}" min-chars = ${min} }`
const tried = (...lines: readonly string[]) => tryPolicy(parsePasswordPolicy(lines.join('\n')), systemRandom)

describe('a policy that is written', () => {
  test.each([
    ['more characters than there is room for', ['length = 4', rule('a', 3), rule('b', 3)]],
    [
      'what one text in millions has',
      [
        'length = 4',
        ...['a', 'b', 'c', 'd'].map(one => rule(one, 1)),
        rule('efghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', 0)
      ]
    ]
  ])('asks for %s: it is refused', (_, lines) => {
    expect(() => tried(...lines)).toThrow('unable to construct test password from provided policy: are the rules impossible?')
  })

  test('may fill its length with what the rules ask for', () => {
    expect(
      tried(
        'length = 16',
        rule('abcdefghijklmnopqrstuvwxyz', 4),
        rule('ABCDEFGHIJKLMNOPQRSTUVWXYZ', 4),
        rule('0123456789', 4),
        rule('!@#$%^&*-_=+()', 4)
      )
    ).toEqual({
      warnings: []
    })
  })

  test('is told of when it seems to write a range', () => {
    expect(tried('length = 40', rule('a-zA-Z0-9', 0)).warnings).toEqual(['a charset has no ranges: a-z is the characters a, - and z'])
  })

  test('is told of when its passwords can be guessed', () => {
    expect(tried('length = 6', rule('0123456789', 0)).warnings).toEqual(['its passwords have about 19 bits: fewer than 64 can be guessed'])
    expect(tried('length = 4', rule('a', 4)).warnings).toEqual(['its passwords have about 0 bits: fewer than 64 can be guessed'])
  })
})

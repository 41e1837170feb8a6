import { describe, expect, test } from 'vitest'
import { parsePasswordPolicy } from '../../../src/policy/password/parse-password-policy.ts'

const lower = 'abcdefghijklmnopqrstuvwxyz'

describe('a password policy', () => {
  test('is read as the wire writes it', () => {
    const text = `length = 20\nrule "charset" {\n  charset   = "${lower}"\n  min-chars = 1\n}\nrule "charset" { charset = "0123" }\n`
    expect(parsePasswordPolicy(text)).toEqual({
      length: 20,
      rules: [
        { charset: lower, charactersMin: 1 },
        { charset: '0123', charactersMin: 0 }
      ]
    })
  })

  test.each([
    ['an object', '{"length": 12, "rule": {"charset": {"charset": "abc", "min-chars": 2}}}'],
    ['what a program makes of HCL', '{"length": 12, "rule": [{"charset": [{"charset": "abc", "min-chars": 2}]}]}']
  ])('is read as JSON, %s', (_, text) => {
    expect(parsePasswordPolicy(text)).toEqual({ length: 12, rules: [{ charset: 'abc', charactersMin: 2 }] })
  })

  test('takes every printable character of ASCII, and each once', () => {
    const all = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at)).join('')
    const { rules } = parsePasswordPolicy(`length = 4 rule "charset" { charset = ${JSON.stringify(all + 'aaa')} }`)
    expect(rules).toEqual([{ charset: all, charactersMin: 0 }])
  })

  test.each([
    ['length = 20', 'invalid password policy: no rule: one rule "charset" at least says which characters there are'],
    ['', 'invalid password policy: no rule'],
    ['rule "charset" { charset = "abc" }', 'passwords must be between 4 and 100 characters'],
    ['length = 3 rule "charset" { charset = "abc" }', 'passwords must be between 4 and 100 characters'],
    ['length = 101 rule "charset" { charset = "abc" }', 'passwords must be between 4 and 100 characters'],
    ['length = 4.5 rule "charset" { charset = "abc" }', 'passwords must be between 4 and 100 characters'],
    ['length = "20" rule "charset" { charset = "abc" }', 'passwords must be between 4 and 100 characters'],
    ['length = 9\nlength = 10\nrule "charset" { charset = "abc" }', 'invalid password policy: line 2: "length" stands twice'],
    [
      'length = 9\nrule "charset" {\n  min_chars = 1\n}',
      'invalid password policy: line 3: unknown key "min_chars", known are charset, min-chars'
    ],
    ['length = 9\nrules = 1', 'invalid password policy: line 2: unknown key "rules", known are length, rule'],
    ['length = 9\nrule "regex" { charset = "abc" }', 'invalid password policy: line 2: unknown rule "regex", expected "charset"'],
    ['length = 9 rule "charset" { min-chars = 1 }', 'invalid password policy: line 1: a rule needs a charset'],
    ['length = 9 rule "charset" { charset = "" }', 'invalid password policy: line 1: a rule needs a charset'],
    ['length = 9 rule "charset" { charset = ["abc"] }', 'invalid password policy: line 1: "charset": expected a string'],
    ['length = 9 rule "charset" { charset = "abcü" }', 'charset: expected printable ASCII characters'],
    ['length = 9 rule "charset" { charset = "abc\\n" }', 'charset: expected printable ASCII characters'],
    ['length = 9 rule "charset" { charset = "abc" min-chars = -1 }', 'min-chars: expected a number from 0 to 100'],
    ['length = 9 rule "charset" { charset = "abc" min-chars = "1" }', 'min-chars: expected a number from 0 to 100'],
    ['length = 9 rule = "charset"', 'invalid password policy: line 1: "rule": expected a block'],
    ['length = 9 rule "charset" {', 'invalid password policy: line 1: unexpected end'],
    [`length = 9 ${'rule "charset" { charset = "abc" } '.repeat(65)}`, 'invalid password policy: more than 64 rules'],
    [`# ${'x'.repeat(16_384)}`, 'invalid password policy: longer than 16384 characters']
  ])('%j is refused: %s', (text, message) => {
    expect(() => parsePasswordPolicy(text)).toThrow(
      expect.objectContaining({ code: 'invalid_request', message: expect.stringContaining(message) })
    )
  })
})
